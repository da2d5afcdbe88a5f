"""`kith singer`: the records of a Singer tap, or of an Airbyte source, from standard input."""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from msgspec import Struct, field

from graph.domain.model.errors import InvalidInput
from service.bootstrap import Wiring
from service.cli.connector_source import MappingName, Source, chosen_source, run_until_stopped
from service.cli.operator import user
from service.cli.shared import Rules, Store, errors
from service.config import settings as settings_module
from service.connectors import mapping_file
from service.connectors.intake import Intake, Result
from service.connectors.mapping import RecordMapping
from service.connectors.singer_target import SingerTarget, read


class _Config(Struct, frozen=True, forbid_unknown_fields=True):
    source: str = ""
    mapping: str = field(default="", name="as")
    streams: dict[str, str] = {}


def singer(
    source: Source = "",
    mapping: MappingName = "",
    map_stream: Annotated[
        list[str] | None,
        typer.Option(help="STREAM=MAPPING of a stream with a mapping of its own; may be repeated."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="A JSON file with `source`, `as` and `streams`, as Meltano has it."
        ),
    ] = None,
    store: Store = None,
    rules: Rules = None,
) -> None:
    """Take the messages of a Singer tap in from standard input. States are printed once all before them is stored.

    Exit status 2 at a line that is no message, 1 if it is stopped before the input ends. What came before is stored.
    """
    settings = settings_module.load(store=store, rules=rules)
    configured = _Config() if config is None else _read(config)
    chosen, loaded = chosen_source(settings, source or configured.source, mapping or configured.mapping)
    mappings = {stream: mapping_file.named(name) for stream, name in configured.streams.items()}
    mappings |= dict(_pair(text) for text in map_stream or ())

    async def work(wiring: Wiring) -> bool:
        def intake(mapping: RecordMapping) -> Intake:
            return Intake(wiring.graph, chosen, mapping, user(), is_live=False)

        streams = {stream: intake(own) for stream, own in mappings.items()}
        target = SingerTarget(intake(loaded), streams, _print)
        try:
            await read(sys.stdin.fileno(), target)
        finally:
            errors.print(f"records: {', '.join(f'{target.counts[one]} {one.value}' for one in Result)}")
        return True

    if run_until_stopped(settings, work) is None:
        raise typer.Exit(1)


def _read(config: Path) -> _Config:
    try:
        return msgspec.json.decode(config.read_bytes(), type=_Config)
    except (msgspec.DecodeError, OSError) as error:
        raise InvalidInput("INVALID_SETTING", f"{config}: {error}", ("config",)) from error


def _pair(text: str) -> tuple[str, RecordMapping]:
    stream, equals, name = text.partition("=")
    if not stream or not equals or not name:
        raise InvalidInput("INVALID_VALUE", f"--map-stream {text[:60]!r} is not STREAM=MAPPING", ("map-stream",))
    return stream, mapping_file.named(name)


def _print(state: str) -> None:
    sys.stdout.write(f"{state}\n")
    sys.stdout.flush()
