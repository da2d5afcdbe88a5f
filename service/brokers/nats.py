"""Streams of NATS (JetStream), read through a durable pull consumer by nats-py, the extra `nats`."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

from msgspec import Struct
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, ConsumerInfo
from nats.js.errors import APIError, NotFoundError

from graph.domain.model.errors import InvalidInput
from service.brokers.subscription import BATCH_BYTES, MAX_BATCH, Message
from service.config.broker_settings import BrokerSettings
from service.runtime.broker_errors import BrokerUnavailable
from service.runtime.nats_connection import CONNECT_SECONDS, NatsLogin, connect, said
from service.runtime.tls import tls_context

log = logging.getLogger("kith.brokers")

ANSWER_SECONDS = 10
POLL_SECONDS = 1.0
IDLE_POLLS = 10
"""After how many polls without a message it is checked whether the consumer still exists."""
PAUSE_SECONDS = 1.0
ACK_WAIT_SECONDS = 30.0
"""After how many seconds without a sign of life a message goes to another consumer of the same name."""
MAX_ACK_PENDING = 10_000
"""How many messages all consumers of one name may have in flight together."""


class Stream(Struct, frozen=True):
    """What to read, and as whom."""

    servers: Sequence[str]
    """As nats://HOST:PORT or tls://HOST:PORT."""
    name: str
    durable: str
    """The name of the consumer. Processes with the same one share the messages."""
    subject: str = ""
    """With wildcards; empty for all subjects of the stream."""
    batch: int = MAX_BATCH
    """Maximum number of messages received at the same time."""


class NatsSubscription:
    """The messages of a stream that a durable consumer has not acknowledged, at first from the oldest.

    While a batch is in flight, the server hears each few seconds that it is still being worked on, so that it does not
    deliver it elsewhere.
    """

    def __init__(self, client: Client, context: JetStreamContext, stream: Stream) -> None:
        self._client, self._context, self._stream = client, context, stream
        self._pull: JetStreamContext.PullSubscription | None = None
        self._bound = False
        """Whether the consumer is known to exist."""
        self._messages: list[Msg] = []
        self._message_bytes = 0.0
        """About how large a message is."""
        self._keep_seconds = ACK_WAIT_SECONDS / 3
        self._keeping: asyncio.Task[None] | None = None
        self._idle_polls = 0

    @classmethod
    async def open(cls, stream: Stream, settings: BrokerSettings) -> "NatsSubscription":
        """Connect, and make the consumer unless it exists.

        Raises `BrokerUnavailable`, and `InvalidInput` if there is no such stream or the consumer is of another kind.
        """
        client = await connect(stream.servers, _login(stream.servers, settings))
        subscription = cls(client, client.jetstream(timeout=ANSWER_SECONDS), stream)
        try:
            await subscription._bind()
        except BaseException:
            await subscription.close()
            raise
        return subscription

    async def _bind(self) -> None:
        """Use the consumer, which is made if it does not exist (any more)."""
        name, durable = self._stream.name, self._stream.durable
        try:
            info = await self._context.stream_info(name)
            if info.state.messages:
                self._message_bytes = max(self._message_bytes, info.state.bytes / info.state.messages)
            try:
                consumer = await self._context.consumer_info(name, durable)
            except NotFoundError:
                consumer = await self._context.add_consumer(name, self._new_consumer())
            self._check(consumer)
            if self._pull is None:
                self._pull = await self._context.pull_subscribe_bind(durable, name)
            self._bound = True
        except NotFoundError as error:
            raise InvalidInput("INVALID_VALUE", f"the server has no stream {name!r}", ("stream",)) from error
        except ValueError as error:
            raise InvalidInput("INVALID_VALUE", f"{str(error).removeprefix('nats: ')}", ("durable",)) from error
        except APIError as error:
            message = f"the server refuses the consumer {durable!r} of the stream {name!r}: {error.description}"
            raise InvalidInput("INVALID_VALUE", message, ("durable",)) from error
        except (NatsError, OSError) as error:
            raise BrokerUnavailable(f"the server does not answer as one with JetStream: {said(error)}") from error

    def _new_consumer(self) -> ConsumerConfig:
        return ConsumerConfig(
            durable_name=self._stream.durable,
            filter_subject=self._stream.subject or None,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ACK_WAIT_SECONDS,
            max_ack_pending=MAX_ACK_PENDING,
        )

    def _check(self, consumer: ConsumerInfo) -> None:
        """Raise `InvalidInput` if a consumer that exists is not what `kith consume` can use."""
        config, durable = consumer.config, self._stream.durable
        wrong = ""
        if config.deliver_subject:
            wrong = "is a push consumer; kith consume pulls"
        elif config.ack_policy != AckPolicy.EXPLICIT:
            wrong = f"has the acknowledgment policy {config.ack_policy}; kith consume needs `explicit`"
        elif self._stream.subject and config.filter_subject != self._stream.subject:
            wrong = f"has the subject {config.filter_subject or '>'!r}, not {self._stream.subject!r}"
        if wrong:
            raise InvalidInput("INVALID_VALUE", f"the consumer {durable!r} exists and {wrong}", ("durable",))
        if (config.max_deliver or 0) > 0:
            log.warning(
                "the consumer gives up a message after %d deliveries, for example while the store is down: set "
                "max_deliver to -1",
                config.max_deliver,
            )
        self._keep_seconds = (config.ack_wait or ACK_WAIT_SECONDS) / 3

    async def receive(self) -> Sequence[Message]:
        """Return the next messages: see `Subscription`."""
        try:
            if not self._bound:
                await self._bind()
            assert self._pull is not None
            self._messages = await self._pull.fetch(self._count(), timeout=POLL_SECONDS)
        except TimeoutError:  # that of nats-py, or a plain one
            # A consumer that was deleted answers nothing, and so does one without messages.
            self._idle_polls += 1
            if self._idle_polls >= IDLE_POLLS and not self._client.is_reconnecting:
                self._idle_polls, self._bound = 0, False
            return ()
        except (NatsError, OSError, InvalidInput, BrokerUnavailable) as error:
            if self._client.is_closed:
                raise BrokerUnavailable(
                    f"NATS has closed the connection: {said(self._client.last_error or error)}"
                ) from error
            # The server restarts, or the consumer was deleted: the next attempt makes it again.
            self._bound = False
            log.warning("no messages from NATS now: %s", said(error))
            await asyncio.sleep(PAUSE_SECONDS)
            return ()
        self._idle_polls = 0
        if self._messages:
            self._message_bytes = max(len(message.data) for message in self._messages)
            self._keeping = asyncio.create_task(self._keep())
        return [_message(message) for message in self._messages]

    def _count(self) -> int:
        """The number of messages to ask for: those that fit into `BATCH_BYTES` if they are as large as the last."""
        return max(1, min(self._stream.batch, int(BATCH_BYTES / max(self._message_bytes, 1))))

    async def _keep(self) -> None:
        """Say again and again that the messages in flight are being worked on."""
        while True:
            await asyncio.sleep(self._keep_seconds)
            with suppress(NatsError, OSError):
                for message in self._messages:
                    await message.in_progress()

    async def acknowledge(self) -> bool:
        """Acknowledge the messages that were received last: see `Subscription`."""
        self._stop_keeping()
        try:
            for message in self._messages:
                await message.ack()
            await self._client.flush(ANSWER_SECONDS)
        except (NatsError, OSError) as error:
            log.warning("messages cannot be acknowledged (%s); they come again", said(error))
            return False
        finally:
            self._messages = []
        return True

    def _stop_keeping(self) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
            self._keeping = None

    async def close(self) -> None:
        """Disconnect, and let others have what is not acknowledged at once."""
        self._stop_keeping()
        with suppress(NatsError, OSError):
            async with asyncio.timeout(CONNECT_SECONDS):
                for message in self._messages:
                    await message.nak()
                await self._client.close()


def _login(servers: Sequence[str], settings: BrokerSettings) -> NatsLogin:
    context = None
    if any(server.startswith("tls://") for server in servers):
        labels = ("KITH_NATS_TLS_CA", "KITH_NATS_TLS_CERTIFICATE")
        context = tls_context(labels, settings.nats_tls_ca, settings.nats_tls_certificate, settings.nats_tls_key)
    path = settings.nats_credentials
    if path is not None and not path.is_file():
        raise InvalidInput("INVALID_SETTING", f"KITH_NATS_CREDENTIALS: {path} is not a file")
    password, token = settings.nats_password.get_secret_value(), settings.nats_token.get_secret_value()
    return NatsLogin(settings.nats_user, password, token, path, context)


def _message(message: Msg) -> Message:
    headers = {name.lower(): value for name, value in (message.headers or {}).items()}
    metadata = message.metadata
    beside = {"subject": message.subject, "stream": metadata.stream}
    time = int(metadata.timestamp.timestamp() * 1_000_000)
    return Message(message.data, time, headers, beside, f"{metadata.stream}@{metadata.sequence.stream}")
