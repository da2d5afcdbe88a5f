"""`kith keys`: make, list, rotate and revoke the keys of a store."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from rich.markup import escape

from graph.domain.model.dates import DAY, SECOND, format_date
from graph.domain.model.errors import InvalidInput
from graph.domain.model.times import iso
from service.access import access_file
from service.access.stored_keys import KeyAdministration, StoredKey
from service.bootstrap import SystemClock, check_is_file, open_store, sqlite_path
from service.cli.shared import Store, console, errors
from service.config import settings as settings_module

T = TypeVar("T")
Run = Callable[[KeyAdministration], Awaitable[T]]

app = typer.Typer(no_args_is_help=True, help="Make, list, rotate and revoke keys.")
Expires = Annotated[
    str | None,
    typer.Option(help="How long the key is valid, such as 90d, 12h or 52w; without it, until it is revoked."),
]
_COLUMNS = ("name", "id", "role", "sources", "purposes", "created", "expires", "last used", "state")
_LIFETIME = re.compile(r"([1-9][0-9]{0,4})([hdw])")
_UNITS = {"h": 3_600 * SECOND, "d": DAY, "w": 7 * DAY}


@app.command()
def add(
    name: Annotated[
        str, typer.Argument(help="The name of the caller: it is in the history, and owns idempotency keys.")
    ],
    role: Annotated[str, typer.Option(help="The role, which says what the caller may see and do.")],
    source: Annotated[
        list[str] | None, typer.Option(help="A source that the caller may write; may be repeated.")
    ] = None,
    purpose: Annotated[
        list[str] | None,
        typer.Option(help="A purpose that the caller may act for; may be repeated, the default first."),
    ] = None,
    expires: Expires = None,
    store: Store = None,
) -> None:
    """Make the first key of a caller and print it, once. Services accept it within a second."""

    async def run(keys: KeyAdministration) -> tuple[StoredKey, str, bool]:
        first = not await keys.keys()
        return *await keys.add(name, role, source or (), purpose or (), _lifetime(expires)), first

    added, text, first = _with_keys(store, run)
    if first:
        errors.print("This is the first key of the store: from now on every caller needs one, on loopback too.")
    _print_new(added, text)


@app.command("list")
def list_(store: Store = None) -> None:
    """List all keys, also those that have expired or were revoked."""
    now = SystemClock().now()
    rows = [_row(key, now) for key in _with_keys(store, lambda keys: keys.keys(), create=False)]
    widths = [max(map(len, cells)) for cells in zip(_COLUMNS, *rows, strict=True)]
    for row in (_COLUMNS, *rows) if rows else ():
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        console.print(escape(line.rstrip()), soft_wrap=True)
    if not rows:
        console.print("there are no keys")


@app.command()
def rotate(
    name: Annotated[str, typer.Argument(help="The name of a caller that has a key.")],
    expires: Expires = None,
    store: Store = None,
) -> None:
    """Make a second key of a caller, with the rights of its first one, and print it, once. Both are valid."""
    added, text, before = _with_keys(store, lambda keys: keys.rotate(name, _lifetime(expires)))
    _print_new(added, text)
    errors.print(f"Once the caller uses it, revoke the key before: kith keys revoke {before.id}")


@app.command()
def revoke(
    name: Annotated[
        str, typer.Argument(metavar="NAME|ID", help="The id of a key, or the name of a caller: all its keys.")
    ],
    store: Store = None,
) -> None:
    """Revoke keys. Services refuse them within a second, and close the streams of their callers."""
    revoked = _with_keys(store, lambda keys: keys.revoke(name))
    for key in revoked:
        console.print(f"revoked: {key.id} of {escape(key.name)}", soft_wrap=True)
    if not revoked:
        console.print("it was revoked before")


def _with_keys(chosen_store: str | None, run: Run[T], create: bool = True) -> T:
    """Run a function over the keys of a store. With `create`, the structure of an empty store is created."""
    settings = settings_module.load(store=chosen_store)
    roles = access_file.read(settings.access).roles
    if not create and (path := sqlite_path(settings)) is not None:
        check_is_file(path)

    async def run_and_close() -> T:
        store = open_store(settings, read_only=not create)
        try:
            migrations = await store.migrations()
            if create and migrations.pending and migrations.empty:
                await store.migrate()
            else:
                migrations.check()
            return await run(KeyAdministration(store, SystemClock().now, settings.profile == "development", roles))
        finally:
            await store.close()

    return asyncio.run(run_and_close())


def _print_new(key: StoredKey, text: str) -> None:
    """Print a new key on standard output, and what belongs to it on standard error."""
    end = "until it is revoked" if key.expires is None else f"until {iso(key.expires)}"
    errors.print(f"The key {key.id} of {escape(key.name)}, role {key.role}, is valid {end}. It is shown only now:")
    typer.echo(text)


def _lifetime(text: str | None) -> int | None:
    if text is None:
        return None
    found = _LIFETIME.fullmatch(text)
    if found is None:
        raise InvalidInput("INVALID_KEY", f"--expires: {text!r} is not a number of hours, days or weeks, such as 90d")
    return int(found[1]) * _UNITS[found[2]]


def _row(key: StoredKey, now: int) -> tuple[str, ...]:
    return (
        key.name,
        key.id,
        key.role,
        ",".join(key.sources) or "-",
        ",".join(key.purposes) or "-",
        format_date(key.created // DAY),
        "-" if key.expires is None else format_date(key.expires // DAY),
        "-" if key.last_used_day is None else format_date(key.last_used_day),
        key.state(now),
    )
