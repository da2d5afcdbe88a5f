"""Topics of Kafka, read in a consumer group by aiokafka, the extra `kafka`."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaConnectionError, KafkaError
from msgspec import Struct

from graph.domain.model.errors import InvalidInput
from service.brokers.subscription import BATCH_BYTES, MAX_BATCH, Message
from service.config.broker_settings import BrokerSettings
from service.runtime.broker_errors import BrokerUnavailable
from service.runtime.kafka_connection import KafkaLogin, unreachable
from service.runtime.tls import tls_context

log = logging.getLogger("kith.brokers")

POLL_MILLISECONDS = 1_000
PARTITION_BYTES = 500_000
"""About how many bytes of one partition are fetched in advance."""
RETRY_MILLISECONDS = 500
SESSION_MILLISECONDS = 45_000
"""How long the group waits for a sign of life, as for Java's client: a busy machine is not a dead one."""
REBALANCE_MILLISECONDS = 60_000
REVOKE_SECONDS = 30
"""How long a rebalance waits for the batch in flight: less than the group waits for this consumer."""
LEAVE_SECONDS = 10


class Topics(Struct, frozen=True):
    """What to read, and as whom."""

    brokers: Sequence[str]
    """As HOST:PORT."""
    names: Sequence[str]
    group: str
    member: str = ""
    """A name of this consumer that outlives its process (`group.instance.id`); empty for a new member each time."""
    batch: int = MAX_BATCH
    """Maximum number of messages received at the same time."""


class KafkaSubscription(ConsumerRebalanceListener):
    """The topics of a group, from the offsets that the group has committed, at first from the oldest message.

    Offsets are committed only by `acknowledge`. While a batch is in flight, aiokafka fetches no more than
    `PARTITION_BYTES` of each partition in advance.
    """

    def __init__(self, consumer: AIOKafkaConsumer, batch: int) -> None:
        self._consumer, self._batch = consumer, batch
        self._offsets: dict[TopicPartition, int] = {}
        self._idle = asyncio.Event()
        self._idle.set()

    @classmethod
    async def open(cls, topics: Topics, settings: BrokerSettings) -> "KafkaSubscription":
        """Connect and join the group. Raises `BrokerUnavailable`, and `InvalidInput` if a topic does not exist."""
        login = _login(settings)
        consumer = AIOKafkaConsumer(
            bootstrap_servers=list(topics.brokers),
            group_id=topics.group,
            group_instance_id=topics.member or None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_bytes=BATCH_BYTES,
            max_partition_fetch_bytes=PARTITION_BYTES,
            session_timeout_ms=SESSION_MILLISECONDS,
            rebalance_timeout_ms=REBALANCE_MILLISECONDS,
            retry_backoff_ms=RETRY_MILLISECONDS,
            **login.options,
        )
        try:
            await consumer.start()
            known = await consumer.topics()
        except KafkaConnectionError as error:
            await _leave(consumer)
            raise await unreachable(topics.brokers, login, "KITH_KAFKA_…") from error
        except KafkaError as error:
            await _leave(consumer)
            raise _unavailable(error) from error
        if missing := sorted(set(topics.names) - known):
            await _leave(consumer)
            others = ", ".join(sorted(known)[:10]) or "none"
            message = f"the brokers have no topic {missing[0]!r}, or the login may not read it; topics: {others}"
            raise InvalidInput("INVALID_VALUE", message, ("topic",))
        subscription = cls(consumer, topics.batch)
        consumer.subscribe(list(topics.names), listener=subscription)
        return subscription

    async def receive(self) -> Sequence[Message]:
        """Return the next messages: see `Subscription`."""
        try:
            found = await self._consumer.getmany(timeout_ms=POLL_MILLISECONDS, max_records=self._batch)
        except KafkaError as error:
            if not getattr(error, "retriable", False):
                raise _unavailable(error) from error
            log.warning("no messages from Kafka now (%s)", type(error).__name__)
            await asyncio.sleep(RETRY_MILLISECONDS / 1_000)
            return ()
        if found:
            self._idle.clear()
            self._offsets = {partition: records[-1].offset + 1 for partition, records in found.items()}
        return [_message(record) for records in found.values() for record in records]

    async def acknowledge(self) -> bool:
        """Commit the offsets after the messages that were received last: see `Subscription`."""
        assigned = self._consumer.assignment()
        offsets = {partition: offset for partition, offset in self._offsets.items() if partition in assigned}
        try:
            if offsets:
                await self._consumer.commit(offsets)
        except (CommitFailedError, IllegalStateError):
            offsets = {}
        except KafkaError as error:
            log.warning("offsets cannot be committed (%s); their messages come again", type(error).__name__)
            return False
        finally:
            self._idle.set()
        if len(offsets) < len(self._offsets):
            log.info("the group gave partitions to another consumer; their last messages come again there")
        return len(offsets) == len(self._offsets)

    async def close(self) -> None:
        """Leave the group, so that others get its partitions at once."""
        self._idle.set()
        await _leave(self._consumer)

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Let the batch in flight be stored and committed before partitions go to another consumer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(REVOKE_SECONDS):
                await self._idle.wait()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Say which partitions this consumer has."""
        names = sorted(f"{partition.topic}/{partition.partition}" for partition in assigned)
        log.info("consuming %d partitions: %s", len(names), ", ".join(names) or "none")


def _message(record: ConsumerRecord[bytes, bytes]) -> Message:
    headers = {name.lower(): _text(value) for name, value in record.headers if value is not None}
    beside = {"topic": record.topic, "partition": str(record.partition)}
    if record.key is not None:
        beside["key"] = _text(record.key)
    position = f"{record.topic}/{record.partition}@{record.offset}"
    return Message(record.value, record.timestamp * 1_000, headers, beside, position)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _login(settings: BrokerSettings) -> KafkaLogin:
    context = None
    if settings.kafka_security_protocol.endswith("SSL"):
        context = tls_context(
            ("KITH_KAFKA_SSL_CA", "KITH_KAFKA_SSL_CERTIFICATE"),
            settings.kafka_ssl_ca,
            settings.kafka_ssl_certificate,
            settings.kafka_ssl_key,
            settings.kafka_ssl_key_password.get_secret_value(),
        )
    return KafkaLogin(
        settings.kafka_security_protocol,
        settings.kafka_sasl_mechanism,
        settings.kafka_sasl_username,
        settings.kafka_sasl_password.get_secret_value(),
        context,
    )


async def _leave(consumer: AIOKafkaConsumer) -> None:
    # Leaving is a courtesy: without it, the group notices after the session timeout.
    with suppress(KafkaError, TimeoutError):
        async with asyncio.timeout(LEAVE_SECONDS):
            await consumer.stop()


def _unavailable(error: KafkaError) -> BrokerUnavailable:
    return BrokerUnavailable(f"Kafka refuses: {type(error).__name__}")
