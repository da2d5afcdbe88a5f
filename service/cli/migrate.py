"""`kith migrate`: bring the structure of a store up to date, after a backup."""

import time
from pathlib import Path
from typing import Annotated

import typer

from graph.domain.model.errors import InvalidInput
from graph.domain.model.migrations import Migrations, number, title
from graph.ports import Store as GraphStore
from graph.stores.sqlite import SQLiteStore
from service.bootstrap import Wiring
from service.cli.shared import Rules, Store, console, run_with_wiring
from service.config import settings as settings_module


def migrate(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be done, and change nothing.")] = False,
    no_backup: Annotated[
        bool, typer.Option("--no-backup", help="SQLite: do not copy a file with data into FILE.backup-MIGRATION-TIME.")
    ] = False,
    backed_up: Annotated[
        bool, typer.Option("--backed-up", help="Neo4j: confirm that there is a backup of a database with data.")
    ] = False,
    store: Store = None,
    rules: Rules = None,
) -> None:
    """Create or update the structure of the store. It is safe to run this again."""
    settings = settings_module.load(store=store, rules=rules)

    async def run(wiring: Wiring) -> None:
        migrations = await wiring.store.migrations()
        if migrations.unknown:
            migrations.check()
        _print_plan(migrations)
        if dry_run:
            return
        if migrations.pending:
            await _migrate(wiring.store, migrations, not no_backup, backed_up)
        await wiring.prepare()

    run_with_wiring(settings, run, prepare=False, read_only=dry_run)


def _print_plan(migrations: Migrations) -> None:
    if not migrations.pending:
        console.print("the store is up to date")
        return
    console.print("the store is empty; migrations:" if migrations.empty else "pending migrations:")
    for name in migrations.pending:
        console.print(f"  {title(name)}")


async def _migrate(store: GraphStore, migrations: Migrations, backup: bool, backed_up: bool) -> None:
    if isinstance(store, SQLiteStore):
        path = _backup_path(store, migrations) if backup and not migrations.empty else None
        if path is not None:
            # A large file takes a while.
            console.print(f"copying the file to {path}", soft_wrap=True)
        applied = await store.migrate(path)
    elif migrations.empty or backed_up:
        applied = await store.migrate()
    else:
        message = (
            "the database has data: back it up (docs/operations/upgrade.md), then run `kith migrate --backed-up`; "
            "nothing was changed"
        )
        raise InvalidInput("BACKUP_REQUIRED", message)
    console.print(f"{len(applied)} migrations applied")


def _backup_path(store: SQLiteStore, migrations: Migrations) -> Path:
    """Return the file of the backup, named by the migration that the store is at, and the time."""
    at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    return store.path.with_name(f"{store.path.name}.backup-{number(migrations.pending[0]) - 1:04}-{at}")
