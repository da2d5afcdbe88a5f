"""`kith erasure-keys`: make, rotate and list the keys of erasures."""

from typing import Annotated

import typer
from rich.markup import escape

from graph.domain.model.dates import SECOND
from graph.domain.model.errors import InvalidInput
from graph.domain.model.times import iso
from service.bootstrap import SystemClock, erasure_key_file
from service.cli.shared import Store, console
from service.config import settings as settings_module
from service.privacy.keys import SETTING, ErasureKeys, KeyFile
from service.privacy.public_keys import thumbprint

app = typer.Typer(no_args_is_help=True, help="Make, rotate and list the keys of erasures.")
_COLUMNS = ("version", "created", "used from", "state", "signs receipts as")


@app.command()
def create(store: Store = None) -> None:
    """Make the file of KITH_ERASURE_KEYS with a first version. A file that exists stays as it is, and is an error."""
    file = _file(store)
    if file.keys() is not None:
        message = f"{SETTING}: {file.path} exists already: `kith erasure-keys rotate` adds a version"
        raise InvalidInput("INVALID_SETTING", message)
    file.create(SystemClock().now())
    console.print(escape(f"made {file.path}: back it up, apart from backups of the store"), soft_wrap=True)


@app.command()
def rotate(
    after_minutes: Annotated[
        int, typer.Option(min=0, help="When the new version is used; copy the file to other machines before.")
    ] = 10,
    store: Store = None,
) -> None:
    """Add a version of the keys. Services read it within a second; those before stay, to recognize what they hashed."""
    file, now = _file(store), SystemClock().now()
    added = file.rotate(now, now + after_minutes * 60 * SECOND)
    console.print(escape(f"version {added.version} is used from {iso(added.used_from)}"), soft_wrap=True)
    console.print(escape(f"back up {file.path}, and copy it to all machines of the store before"), soft_wrap=True)


@app.command("list")
def list_(store: Store = None) -> None:
    """List the versions of the keys, without secrets."""
    file, now = _file(store), SystemClock().now()
    keys = file.keys()
    if keys is None:
        message = f"{SETTING}: {file.path} does not exist: make it with `kith erasure-keys create`"
        raise InvalidInput("INVALID_SETTING", message)
    rows = [_COLUMNS, *_rows(keys, now)]
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    for row in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        console.print(escape(line.rstrip()), soft_wrap=True)


def _rows(keys: ErasureKeys, now: int) -> list[tuple[str, ...]]:
    current = keys.current(now)
    return [
        (
            str(key.version),
            iso(key.created),
            iso(key.used_from),
            "current" if key == current else "later" if key.used_from > now else "earlier",
            thumbprint(key.signing_key.public_key()),
        )
        for key in keys.versions
    ]


def _file(store: str | None) -> KeyFile:
    return erasure_key_file(settings_module.load(store=store))
