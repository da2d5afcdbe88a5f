"""What the commands share that take records of one source in by its mapping."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Annotated, Any, TypeVar

import typer

from graph.domain.model.errors import InvalidInput
from service.bootstrap import Wiring
from service.cli.decision_log import CommandDecisionLog
from service.cli.shared import run_with_wiring
from service.config import connectors_file
from service.config.connectors_file import SOURCE_NAME, ConnectorSource
from service.config.settings import Settings
from service.connectors import mapping_file
from service.connectors.mapping import RecordMapping

Source = Annotated[str, typer.Option(help="The source that the records are of, as in connectors.toml if it is there.")]
MappingName = Annotated[
    str,
    typer.Option(
        "--as", help="The mapping: a name of `kith connector list`, or a file; without it, that of connectors.toml."
    ),
]

T = TypeVar("T")


def chosen_source(settings: Settings, name: str, mapping: str) -> tuple[ConnectorSource, RecordMapping]:
    """Return a source and its mapping: as in connectors.toml, or with the defaults if it is not there.

    Without a name, that of the mapping counts. Raises `InvalidInput`.
    """
    loaded = mapping_file.named(mapping) if mapping else None
    name = name or (loaded.source if loaded is not None else "")
    if not name:
        raise InvalidInput("INVALID_VALUE", "the mapping names no source, so --source NAME is needed", ("source",))
    source = next((one for one in connectors_file.read(settings.connectors) if one.name == name), None)
    if source is None:
        if not SOURCE_NAME.fullmatch(name):
            message = f"{name[:60]!r} is not a source: a name is 1 to 100 letters, digits and . _ -"
            raise InvalidInput("INVALID_VALUE", message, ("source",))
        if loaded is None:
            message = f"there is no source {name!r} in connectors.toml, so --as MAPPING is needed"
            raise InvalidInput("INVALID_VALUE", message, ("source",))
        return ConnectorSource(name, mapping), loaded
    return source, loaded or mapping_file.named(source.mapping)


def run_until_stopped(settings: Settings, work: Callable[[Wiring], Coroutine[Any, Any, T]]) -> T | None:
    """Run work over a wiring until it ends, or SIGTERM or Ctrl-C comes; then it is canceled, and the result is `None`.

    A second signal ends the process at once.
    """
    decision_log = CommandDecisionLog(settings)

    async def run(wiring: Wiring) -> T | None:
        wiring.graph.decision_log = decision_log
        working = asyncio.create_task(_prepared(wiring, work))
        _cancel_by_signals(working)
        watching = asyncio.create_task(wiring.watch_erasures())
        try:
            return await working
        except asyncio.CancelledError:
            return None
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    try:
        return run_with_wiring(settings, run, prepare=False)
    finally:
        decision_log.close()


async def _prepared(wiring: Wiring, work: Callable[[Wiring], Awaitable[T]]) -> T:
    await wiring.prepare_when_available()
    return await work(wiring)


def _cancel_by_signals(task: "asyncio.Task[Any]") -> None:
    loop = asyncio.get_running_loop()

    def stopped(number: int) -> None:
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_DFL)
        task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped, number)
