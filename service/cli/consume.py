"""`kith consume`: topics of Kafka and streams of NATS in, for as long as the command runs."""

import asyncio
import re
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Annotated

import typer

from graph.domain.model.errors import InvalidInput
from service.bootstrap import Wiring
from service.brokers.consumer import Consumer
from service.brokers.subscription import MAX_BATCH, Subscription, consume, unless
from service.cli.connector_source import MappingName, Source, chosen_source
from service.cli.decision_log import CommandDecisionLog
from service.cli.shared import Rules, Store, errors, run_with_wiring
from service.config import settings as settings_module
from service.config.settings import Settings
from service.connectors.intake import Intake
from service.observability.client_log import ClientLog

app = typer.Typer(no_args_is_help=True, help="Take in the messages of a broker, until the command is stopped.")

_HOST = r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])"
_HOST_PORT = re.compile(_HOST + r":[0-9]{1,5}")
_NATS_URL = re.compile(r"(?:nats|tls)://" + _HOST + r"(?::[0-9]{1,5})?")

Batch = Annotated[int, typer.Option(min=1, max=MAX_BATCH, help="Maximum number of messages that are stored together.")]


@app.command()
def kafka(
    brokers: Annotated[str, typer.Option(help="Addresses to begin with, as HOST:PORT, comma-separated.")],
    topic: Annotated[list[str], typer.Option(help="A topic; may be repeated.")],
    group: Annotated[str, typer.Option(help="The consumer group. Processes of one group share the partitions.")],
    source: Source,
    mapping: MappingName = "",
    member: Annotated[
        str,
        typer.Option(
            help="A name of this process in its group that it has again after a restart, so that it gets the same "
            "partitions at once (group.instance.id)."
        ),
    ] = "",
    batch: Batch = MAX_BATCH,
    store: Store = None,
    rules: Rules = None,
) -> None:
    """Consume topics of Kafka, at least once: offsets are committed when all before them is stored or refused."""
    try:
        from service.brokers.kafka import KafkaSubscription, Topics
    except ImportError as error:
        raise _missing("kafka", error) from error
    topics = Topics(_addresses(brokers, "brokers", _HOST_PORT, "HOST:PORT"), topic, group, member, batch)
    settings = settings_module.load(store=store, rules=rules)
    ClientLog.attach("aiokafka")
    _run(settings, source, mapping, lambda: KafkaSubscription.open(topics, settings))


@app.command()
def nats(
    servers: Annotated[str, typer.Option(help="Addresses, as nats://HOST:PORT or tls://HOST:PORT, comma-separated.")],
    stream: Annotated[str, typer.Option(help="The stream (JetStream).")],
    durable: Annotated[str, typer.Option(help="The consumer, made if it does not exist. Processes with one share it.")],
    source: Source,
    mapping: MappingName = "",
    subject: Annotated[str, typer.Option(help="Which subjects of the stream, with wildcards; without it, all.")] = "",
    batch: Batch = MAX_BATCH,
    store: Store = None,
    rules: Rules = None,
) -> None:
    """Consume a stream of NATS, at least once: messages are acknowledged when they are stored or refused."""
    try:
        from service.brokers.nats import NatsSubscription, Stream
    except ImportError as error:
        raise _missing("nats", error) from error
    place = Stream(
        _addresses(servers, "servers", _NATS_URL, "nats://HOST:PORT or tls://HOST:PORT"),
        stream,
        durable,
        subject,
        batch,
    )
    settings = settings_module.load(store=store, rules=rules)
    ClientLog.attach("nats")
    _run(settings, source, mapping, lambda: NatsSubscription.open(place, settings))


def _missing(extra: str, error: ImportError) -> InvalidInput:
    message = f"kith consume {extra} requires the extra `{extra}`: from a checkout, pip install '.[{extra}]'"
    return InvalidInput("MISSING_EXTRA", f"{message} (missing: {error.name})")


def _addresses(text: str, option: str, allowed: re.Pattern[str], shown: str) -> list[str]:
    """Return the addresses of a comma-separated list. Raises `InvalidInput`."""
    if "@" in text:
        # Process lists show the command.
        message = "an address must not contain a user or a password: they are settings of the environment"
        raise InvalidInput("INVALID_VALUE", message, (option,))
    found = [address.strip() for address in text.split(",") if address.strip()]
    if wrong := [address for address in found or [text] if not allowed.fullmatch(address)]:
        raise InvalidInput("INVALID_VALUE", f"{wrong[0][:60]!r} is not {shown}", (option,))
    return found


def _run(settings: Settings, source: str, mapping: str, open: Callable[[], Awaitable[Subscription]]) -> None:
    """Consume until SIGTERM or Ctrl-C. A second signal ends the process at once."""
    chosen, loaded = chosen_source(settings, source, mapping)
    decision_log = CommandDecisionLog(settings)

    async def run(wiring: Wiring) -> None:
        wiring.graph.decision_log = decision_log
        consumer = Consumer(Intake(wiring.graph, chosen, loaded))
        stop = _stop_event()
        if not await unless(stop, _prepared(wiring)):
            return
        watching = asyncio.create_task(wiring.watch_erasures())
        try:
            subscription = await open()
            try:
                await consume(subscription, consumer.handle, stop)
            finally:
                await subscription.close()
                errors.print(consumer.summary())
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    try:
        run_with_wiring(settings, run, prepare=False)
    finally:
        decision_log.close()


async def _prepared(wiring: Wiring) -> bool:
    await wiring.prepare_when_available()
    return True


def _stop_event() -> asyncio.Event:
    """Return an event that SIGTERM and Ctrl-C set; a second signal ends the process."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def stopped(number: int) -> None:
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_DFL)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped, number)
    return stop
