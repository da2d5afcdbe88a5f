"""`kith backup`, `kith restore` and `kith copy`."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from graph.domain.access.accessed import Accessed
from service.backup import transfer
from service.cli.operator import Operator, Purpose, Reason
from service.cli.previews import show_progress
from service.cli.shared import Store, console
from service.config import settings as settings_module

Force = Annotated[bool, typer.Option("--force", help="Replace what is there.")]


def back_up(
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    store: Store = None,
    force: Force = False,
    purpose: Purpose = "",
    reason: Reason = "",
) -> None:
    """Back up the store into a file while it is in use: a SQLite file for SQLite, an archive for Neo4j.

    The file has its name once it is complete, checked and on disk. While Neo4j is read, writes to it wait.
    """
    settings = settings_module.load(store=store)
    Operator(settings, "backup", purpose, reason, shows_values=False).record(Accessed(), "export")
    asyncio.run(transfer.back_up(settings, file, force, show_progress))
    console.print(f"wrote {file}", soft_wrap=True)


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `kith backup` wrote, of either kind.")],
    store: Store = None,
    force: Force = False,
) -> None:
    """Restore a backup into a store that no service uses. Without --force the store must be empty.

    The file is checked before anything is changed. An archive, or a SQLite file, may be restored into either kind of
    store.
    """
    settings = settings_module.load(store=store)
    asyncio.run(transfer.restore(settings, file, force, show_progress))
    console.print(f"restored {file} into {settings.store}", soft_wrap=True)


def copy(
    source: Annotated[str, typer.Argument(metavar="FROM", help="sqlite:///FILE or neo4j://HOST:PORT.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="sqlite:///FILE or neo4j://HOST:PORT.")],
    force: Force = False,
    purpose: Purpose = "",
    reason: Reason = "",
) -> None:
    """Copy everything from one store to another: ids, history and feed included.

    FROM may be in use; no service may use TO, which must be empty without --force. While Neo4j is read, writes to it
    wait. Two Neo4j servers must accept the same user and password.
    """
    settings = settings_module.load()
    opened, filled = (settings.model_copy(update={"store": store}) for store in (source, target))
    Operator(opened, "copy", purpose, reason, shows_values=False).record(Accessed(), "export")
    asyncio.run(transfer.copy(opened, filled, force, show_progress))
    console.print(f"copied {source} to {target}", soft_wrap=True)
