"""Destinations of type `kafka`: CloudEvents in topics, by an idempotent producer of aiokafka, the extra `kafka`.

Follows the Kafka binding of CloudEvents. A message is done when all replicas that are in sync have it (`acks=all`).
aiokafka's idempotent producer never gives up a message. Kith must: by the time a broker is back, the address may have
to be out of the audience. So a producer that did not finish in time is closed, and its rest is never sent.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    RecordTooLargeError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
from msgspec import Struct

from service.destinations.adapter import ChangeMessage, MemberUpdate, Outcome, Status, Unavailable
from service.destinations.cloud_event import CloudEvents
from service.destinations.kafka_settings import KafkaSettings
from service.destinations.messages import Message, change_message, member_message
from service.observability.client_log import ClientLog
from service.runtime.kafka_connection import KafkaLogin, unreachable
from service.runtime.tls import tls_context

BATCH = 500
CLOSE_SECONDS = 3
RETRY_MILLISECONDS = 200
_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError, RecordTooLargeError)
_LOGIN = (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
)

Record = tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]
"""Key, value and headers; without a value it is a tombstone."""


class _Item(Struct):
    """What is sent for one item, and what became of it: an error, or nothing yet while futures wait."""

    topic: str
    records: Sequence[Record]
    reference: str
    futures: list["asyncio.Future[object]"] = []
    error: KafkaError | None = None

    def settle(self) -> None:
        """Take over the errors of the futures that have one."""
        for future in self.futures:
            if future.done() and isinstance(error := future.exception(), KafkaError):
                self.error = self.error or error

    @property
    def is_done(self) -> bool:
        return self.error is None and len(self.futures) == len(self.records) and all(f.done() for f in self.futures)


class KafkaAdapter:
    """Writes to topics. It connects when it sends first, and again after a failure."""

    batch_size = BATCH
    namespaces: frozenset[str] | None = None

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._events = CloudEvents(settings.source, settings.type_prefix)
        self._login = _login(settings)
        self._producer: AIOKafkaProducer | None = None
        ClientLog.attach("aiokafka")

    async def send(self, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        """Send updates, by the key of audience and address: see `Adapter`."""
        messages = [member_message(update)[0] for update in updates]
        return await self._send([self._item(message, self._settings.topic) for message in messages])

    async def send_changes(self, changes: Sequence[ChangeMessage]) -> list[Outcome]:
        """Send changes by the key of the customer, so that its partition has them in order: see `ChangeAdapter`."""
        topic = self._settings.change_topic or self._settings.topic
        return await self._send([self._item(change_message(change), topic) for change in changes])

    async def check(self) -> None:
        """Connect, log in, and ask for the topics. Raises `Unavailable`."""
        settings = self._settings
        try:
            producer = await self._open()
            for topic in sorted({settings.topic, settings.change_topic or settings.topic}):
                await self._require(producer, topic)
        except TimeoutError:
            raise Unavailable(f"no answer from Kafka within {settings.timeout_seconds:g} s") from None
        except KafkaError as error:
            raise _unavailable(error) from None

    def _item(self, message: Message, topic: str) -> _Item:
        mode = self._settings.mode
        key = message.key.encode() or None
        headers = self._events.kafka_headers(message, mode)
        records: list[Record] = [(key, self._events.body(message, mode), headers)]
        if self._settings.compacted and message.is_removal:
            records.append((key, None, []))
        return _Item(topic, records, message.id)

    async def _send(self, items: Sequence[_Item]) -> list[Outcome]:
        problem: Unavailable | None = None
        try:
            producer = await self._open()
            async with asyncio.timeout(self._settings.timeout_seconds):
                await self._write(producer, items)
        except TimeoutError:
            problem = Unavailable(f"no answer from Kafka within {self._settings.timeout_seconds:g} s")
        except KafkaError as error:
            problem = _unavailable(error)
        except Unavailable as unavailable:
            problem = unavailable
        for item in items:
            item.settle()
        failed = next((item.error for item in items if item.error and not isinstance(item.error, _TOO_LARGE)), None)
        if failed is not None:
            problem = _unavailable(failed)
        if problem is not None:
            await self.close()
            if not any(item.is_done or isinstance(item.error, _TOO_LARGE) for item in items):
                raise problem
        return [self._outcome(item, problem) for item in items]

    def _outcome(self, item: _Item, problem: Unavailable | None) -> Outcome:
        if isinstance(item.error, _TOO_LARGE):
            return Outcome(Status.DEAD, f"too large for a message of Kafka ({type(item.error).__name__})")
        if item.is_done:
            return Outcome(Status.DONE, reference=item.reference)
        return Outcome(Status.RETRY, problem.message if problem else "not sent")

    async def _open(self) -> AIOKafkaProducer:
        """Return a producer that is connected. Raises `Unavailable`, `KafkaError` or `TimeoutError`."""
        if self._producer is not None:
            return self._producer
        settings = self._settings
        milliseconds = int(settings.timeout_seconds * 1_000)
        self._producer = AIOKafkaProducer(
            bootstrap_servers=list(settings.brokers),
            acks="all",
            enable_idempotence=True,
            compression_type=None if settings.compression == "none" else settings.compression,
            request_timeout_ms=milliseconds,
            retry_backoff_ms=RETRY_MILLISECONDS,
            **self._login.options,
        )
        try:
            async with asyncio.timeout(settings.timeout_seconds):
                await self._producer.start()
        except KafkaConnectionError:
            hint = "security_protocol and sasl_…"
            error = await unreachable(settings.brokers, self._login, hint)
            raise Unavailable(error.message, login=error.login) from None
        return self._producer

    async def _write(self, producer: AIOKafkaProducer, items: Sequence[_Item]) -> None:
        for topic in sorted({item.topic for item in items}):
            await self._require(producer, topic)
        for item in items:
            for key, value, headers in item.records:
                try:
                    future = await producer.send(item.topic, value, key=key, headers=headers)
                except _TOO_LARGE as error:
                    item.error = error
                    break
                # What is never asked for would be logged.
                future.add_done_callback(lambda done: done.cancelled() or done.exception())
                item.futures.append(future)
        futures = [future for item in items for future in item.futures]
        if futures:
            await asyncio.wait(futures)

    async def _require(self, producer: AIOKafkaProducer, topic: str) -> None:
        try:
            async with asyncio.timeout(self._settings.timeout_seconds / 2):
                await producer.partitions_for(topic)
        except (TimeoutError, UnknownTopicOrPartitionError):
            message = f"the brokers have no topic {topic!r}, or the login may not write to it"
            raise Unavailable(message) from None

    async def poll(self, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        """Send again: nothing is ever pending here."""
        return await self.send(updates)

    async def close(self) -> None:
        """Close the producer. What it has not sent is given up."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        # The public way to close a producer waits until a broker has everything.
        producer._closed = True
        task = producer._sender.sender_task
        with suppress(KafkaError, OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                if task is not None:
                    task.cancel()
                await producer.client.close()
                if task is not None:
                    await asyncio.wait((task,))


def _login(settings: KafkaSettings) -> KafkaLogin:
    context = None
    if settings.security_protocol.endswith("SSL"):
        context = tls_context(
            (f"destination {settings.name}: ssl_ca", f"destination {settings.name}: ssl_certificate"),
            settings.ssl_ca,
            settings.ssl_certificate,
            settings.ssl_key,
            settings.ssl_key_password.get_secret_value() if settings.ssl_key_password else "",
        )
    return KafkaLogin(
        settings.security_protocol,
        settings.sasl_mechanism,
        settings.sasl_username,
        settings.sasl_password.get_secret_value() if settings.sasl_password else "",
        context,
    )


def _unavailable(error: KafkaError) -> Unavailable:
    # The message of an error may hold what was sent.
    return Unavailable(f"Kafka refuses: {type(error).__name__}", login=isinstance(error, _LOGIN))
