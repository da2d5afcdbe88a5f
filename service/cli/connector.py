"""`kith connector`: mappings of other systems, listed, checked with samples, begun."""

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from graph.domain.commands import Terms
from graph.domain.model.errors import InvalidInput, Problem
from service.bootstrap import SystemClock, currencies
from service.cli.shared import Rules, console, errors
from service.config import attributes_file, rules_file
from service.connectors import mapping_file
from service.connectors.check import Checked, Judge, check
from service.connectors.unpack import FORMATS, inflate, unpack

app = typer.Typer(no_args_is_help=True, help="Mappings of other systems: list, check, begin one.")

MAX_SAMPLE_BYTES = 8_000_000

Sample = Annotated[
    Path | None, typer.Option(exists=True, dir_okay=False, help="A file with records as the system sends them.")
]
Mapping = Annotated[str, typer.Argument(help="The name of a mapping, or a file that ends in .toml.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print a JSON object for each record.")]
Attributes = Annotated[
    Path | None, typer.Option(exists=True, dir_okay=False, help="A file of attributes; without it, the default file.")
]
Beside = Annotated[
    list[str] | None,
    typer.Option(help="NAME=VALUE of a header, or of what else comes beside the records; may be repeated."),
]


@app.command("list")
def list_() -> None:
    """List the mappings that come with Kith."""
    for name in mapping_file.shipped_names():
        console.print(f"{name:<24}{mapping_file.shipped(name).title}", highlight=False)


@app.command("check")
def check_(
    mapping: Mapping,
    sample: Sample = None,
    beside: Beside = None,
    as_json: AsJson = False,
    rules: Rules = None,
    attributes: Attributes = None,
) -> None:
    """Check a mapping; with a sample, print what each record becomes and which parts of it were not used.

    Nothing is stored. Exit status 1 if a record of the sample is refused.
    """
    found = mapping_file.named(mapping)
    if sample is None:
        console.print(f"{found.title}: {len(found.statements)} statements, format {found.format}", highlight=False)
        return
    values: dict[str, Any] = {"source": found.source or "sample", "link_traits": "true"}
    values |= dict(_pair(text) for text in beside or ())
    content = unpack(inflate(sample.read_bytes(), "", MAX_SAMPLE_BYTES), _format(found.format, sample))
    records, came_with = found.split(content, values)
    judge = Judge(rules_file.parse(rules_file.read_text(rules)), _terms(attributes), SystemClock().now())
    checked = [check(found, record, came_with, judge) for record in records]
    for number, one in enumerate(checked, 1):
        if as_json:
            typer.echo(orjson.dumps({"record": number, **one.described()}, default=str).decode())
        else:
            show_checked(number, one)
    refused = sum(one.problem is not None for one in checked)
    ignored = sum(one.is_ignored for one in checked)
    noun = "record" if len(checked) == 1 else "records"
    errors.print(f"{len(checked)} {noun}: {refused} refused, {ignored} ignored", highlight=False)
    if refused:
        raise typer.Exit(1)


def _terms(attributes: Path | None) -> Terms:
    return Terms(currencies(), attributes_file.read(attributes))


def _format(format: str, sample: Path) -> str:
    """The format of a sample: that of its ending, if a list of records is kept as lines or as a table."""
    ending = sample.suffix.removeprefix(".").lower()
    return ending if ending in FORMATS else format


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InvalidInput("INVALID_VALUE", f"--beside {text[:60]!r} is not NAME=VALUE")
    return name.lower(), value


def show_checked(number: int, checked: Checked) -> None:
    """Print what a record becomes, and which parts of it are not used."""
    console.print(f"record {number}" + (" is ignored" if checked.is_ignored else ""), style="bold", highlight=False)
    for kind, made in checked.statements:
        if isinstance(made, Problem):
            console.print(f"  {kind}: {made.message}", style="red", highlight=False)
        else:
            # Not by rich, which would break the line.
            typer.echo(f"  {kind} {orjson.dumps(made, default=str).decode()}")
    if checked.problem is not None and not any(isinstance(made, Problem) for _, made in checked.statements):
        console.print(f"  {checked.problem.message}", style="red", highlight=False)
    for dropped in checked.dropped:
        typer.echo(f"  dropped: {dropped.namespace} {dropped.value!r} {dropped.reason}")
    if checked.unused:
        typer.echo(f"  not used: {', '.join(checked.unused)}")


@app.command("new")
def new(
    file: Annotated[Path, typer.Argument(help="The file to write, which ends in .toml.")],
    sample: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="A file with records to begin with.")],
    format: Annotated[str, typer.Option(help=f"One of {', '.join(FORMATS)}; without it, the ending tells.")] = "",
) -> None:
    """Begin a mapping from a sample: its format, and a first statement with what looks like identifiers."""
    from service.connectors.draft import draft

    if file.exists():
        raise InvalidInput("FILE_EXISTS", f"{file} exists; it is not overwritten")
    if file.suffix != ".toml":
        raise InvalidInput("INVALID_VALUE", f"{file} must end in .toml")
    chosen = format or _format("json", sample)
    if chosen not in FORMATS:
        raise InvalidInput("INVALID_VALUE", f"--format is {chosen[:40]!r}; there are {', '.join(FORMATS)}")
    content = unpack(inflate(sample.read_bytes(), "", MAX_SAMPLE_BYTES), chosen)
    file.write_text(draft(content, chosen, file.stem), "utf-8")
    console.print(f"wrote {file}; next: kith connector check {file} --sample {sample}", highlight=False, soft_wrap=True)
