"""Destinations of type `nats`: CloudEvents in a stream of NATS (JetStream) by nats-py, the extra `nats`.

Follows the NATS binding of CloudEvents: structured mode, and binary mode, which has been part of it since messages have
headers. A message is done when the stream has confirmed it. A client that lost its connection is not used again,
because it would send what it still holds, and by then the address may have to be out of the audience.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from msgspec import Struct
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError
from nats.js import JetStreamContext
from nats.js.api import Header, PubAck
from nats.js.errors import APIError, NoStreamResponseError

from graph.domain.model.errors import InvalidInput
from service.destinations.adapter import ChangeMessage, MemberUpdate, Outcome, Status, Unavailable
from service.destinations.cloud_event import CloudEvents
from service.destinations.endpoints import lanes_of
from service.destinations.messages import Message, change_message, member_message
from service.destinations.nats_settings import NatsSettings
from service.observability.client_log import ClientLog
from service.runtime.broker_errors import BrokerUnavailable
from service.runtime.nats_connection import NatsLogin, connect, said
from service.runtime.tls import tls_context

BATCH = 500
CLOSE_SECONDS = 3
_TOO_LARGE = 10_054
"""The error of a stream whose messages may not be so large."""
_PERMISSIONS = "permissions violation"


class _Item(Struct):
    message: Message
    subject: str
    deduplicated: bool
    purged: bool = False
    ack: "asyncio.Task[PubAck] | None" = None
    outcome: Outcome | None = None


class NatsAdapter:
    """Writes to a stream. It connects when it sends first, and again after a failure."""

    batch_size = BATCH
    namespaces: frozenset[str] | None = None

    def __init__(self, settings: NatsSettings) -> None:
        self._settings = settings
        self._events = CloudEvents(settings.source, settings.type_prefix)
        self._login = _login(settings)
        self._client: Client | None = None
        self._context: JetStreamContext | None = None
        self._closed = asyncio.Event()
        ClientLog.attach("nats")

    async def send(self, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        """Send updates, each to the subject of its audience and address: see `Adapter`.

        They have no `Nats-Msg-Id`: the server would drop a state that came before within its window, although another
        state came between.
        """
        settings = self._settings
        items = []
        for update in updates:
            message, _ = member_message(update)
            subject = f"{settings.subject}.{message.key.replace('/', '.')}"
            items.append(_Item(message, subject, False, update.erased and settings.purge_erased))
        return await self._send(items)

    async def send_changes(self, changes: Sequence[ChangeMessage]) -> list[Outcome]:
        """Send changes, those of one customer in their order; the server drops repeats: see `ChangeAdapter`."""
        subject = self._settings.change_subject
        return await self._send(
            [_Item(change_message(change), f"{subject}.{change.kind.lower()}", True) for change in changes]
        )

    async def check(self) -> None:
        """Connect and log in; whether a stream takes the subjects is seen when something is sent."""
        try:
            await self._open()
        except BrokerUnavailable as error:
            raise Unavailable(error.message, login=error.login) from None

    async def _send(self, items: Sequence[_Item]) -> list[Outcome]:
        problem: Unavailable | None = None
        try:
            await self._open()
            async with asyncio.timeout(self._settings.timeout_seconds):
                problem = await self._write(items)
        except TimeoutError:
            problem = self._no_answer()
        except (NatsError, OSError) as error:
            problem = Unavailable(f"NATS refuses: {said(error)}")
        except BrokerUnavailable as error:
            problem = Unavailable(error.message, login=error.login)
        if problem is not None:
            await self.close()
            if not any(item.outcome for item in items):
                raise problem
        later = Outcome(Status.RETRY, problem.message if problem else "waits for the message before it")
        return [item.outcome or later for item in items]

    async def _open(self) -> None:
        if self._client is not None and not self._client.is_closed:
            return
        self._closed = asyncio.Event()
        self._client = await connect(self._settings.servers, self._login, self._closed)
        self._context = self._client.jetstream(timeout=self._settings.timeout_seconds)

    async def _write(self, items: Sequence[_Item]) -> Unavailable | None:
        """Publish, of each lane one message at a time; return the problem that ended it."""
        lanes = [[items[group[0]] for group in lane] for lane in lanes_of([item.message for item in items])]
        closing = asyncio.create_task(self._closed.wait())
        try:
            while lanes:
                heads = [lane[0] for lane in lanes]
                for item in heads:
                    item.ack = asyncio.create_task(self._publish(item))
                waiting: set[asyncio.Task[Any]] = {item.ack for item in heads if item.ack is not None}
                while waiting and not closing.done():
                    done, _ = await asyncio.wait((*waiting, closing), return_when=asyncio.FIRST_COMPLETED)
                    waiting -= done
                problems = [await self._settle(item) for item in heads]
                if closing.done():
                    return Unavailable("NATS has closed the connection")
                if problem := next(filter(None, problems), None):
                    return problem
                lanes = [lane[1:] for lane in lanes if len(lane) > 1]
        finally:
            tasks = [closing, *(item.ack for item in items if item.ack is not None)]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return None

    async def _publish(self, item: _Item) -> PubAck:
        assert self._context is not None
        mode = self._settings.mode
        headers = self._events.nats_headers(item.message, mode)
        if item.deduplicated:
            headers[Header.MSG_ID] = item.message.id
        body = self._events.body(item.message, mode)
        # `publish_async` of nats-py 2.16 never ends if the server answers with an error.
        return await self._context.publish(item.subject, body, stream=self._settings.stream, headers=headers)

    async def _settle(self, item: _Item) -> Unavailable | None:
        """Note what became of a message; return why the stream takes nothing, if it does not."""
        if item.ack is None or not item.ack.done():
            return None
        error = item.ack.exception()
        if error is None:
            if item.purged and (problem := await self._purge(item.subject)):
                return problem
            item.outcome = Outcome(Status.DONE, reference=item.message.id)
            return None
        if isinstance(error, MaxPayloadError) or (isinstance(error, APIError) and error.err_code == _TOO_LARGE):
            item.outcome = Outcome(Status.DEAD, "too large for a message of this stream")
            return None
        return self._refused(error)

    async def _purge(self, subject: str) -> Unavailable | None:
        """Remove all messages of a subject but the last, which says that the person was erased."""
        assert self._context is not None
        try:
            await self._context.purge_stream(self._settings.stream, subject=subject, keep=1)
        except (NatsError, OSError) as error:
            return Unavailable(f"the messages of an erased address cannot be purged: {said(error)}")
        return None

    def _refused(self, error: BaseException) -> Unavailable:
        if isinstance(error, NoStreamResponseError):
            return Unavailable(f"no stream takes the subject; the stream has to be {self._settings.stream!r}")
        if isinstance(error, APIError):
            return Unavailable(f"the stream {self._settings.stream!r} refuses: {error.description}")
        if isinstance(error, TimeoutError):
            return self._no_answer()
        return Unavailable(f"NATS refuses: {type(error).__name__}")

    def _no_answer(self) -> Unavailable:
        last = str(self._client.last_error or "") if self._client else ""
        if _PERMISSIONS in last.lower():
            # The server says it beside the connection, and answers nothing.
            return Unavailable("the login may not publish to the subjects of the stream", login=True)
        return Unavailable(f"no answer from NATS within {self._settings.timeout_seconds:g} s")

    async def poll(self, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        """Send again: nothing is ever pending here."""
        return await self.send(updates)

    async def close(self) -> None:
        """Close the connection."""
        client, self._client, self._context = self._client, None, None
        if client is not None:
            with suppress(NatsError, OSError, TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await client.close()


def _login(settings: NatsSettings) -> NatsLogin:
    context = None
    if any(server.startswith("tls://") for server in settings.servers):
        labels = (f"destination {settings.name}: tls_ca", f"destination {settings.name}: tls_certificate")
        context = tls_context(labels, settings.tls_ca, settings.tls_certificate, settings.tls_key)
    if settings.credentials is not None and not settings.credentials.is_file():
        message = f"destination {settings.name}: credentials: {settings.credentials} is not a file"
        raise InvalidInput("INVALID_SETTING", message)
    password = settings.password.get_secret_value() if settings.password else ""
    token = settings.token.get_secret_value() if settings.token else ""
    return NatsLogin(settings.user, password, token, settings.credentials, context)
