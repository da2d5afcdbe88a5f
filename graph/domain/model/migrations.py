"""Migrations: the numbered steps that bring the structure of a store to that of the program, each carried out once."""

from collections.abc import Sequence

from msgspec import Struct

from graph.domain.model.errors import StoreVersionMismatch


class Migrations(Struct, frozen=True, gc=False):
    """The migrations of a store as compared with those of the program, by number.

    `pending` are those of the program that the store lacks, `unknown` those that a newer program has carried out on it.
    `empty` is true for a store in which nothing has been stored yet.
    """

    pending: Sequence[str] = ()
    unknown: Sequence[str] = ()
    empty: bool = False

    @property
    def problem(self) -> str:
        """Return an empty text if the program can use the store, otherwise why it cannot and what to do."""
        if self.unknown:
            return newer(title(self.unknown[-1])).message
        if not self.pending:
            return ""
        if self.empty:
            return "the store is empty: run `kith migrate`"
        first, count = title(self.pending[0]), len(self.pending)
        lacks = f"migration {first}" if count == 1 else f"{count} migrations, from {first} on"
        return f"the store was written by an older Kith and lacks {lacks}: back up and run `kith migrate`"

    def check(self) -> None:
        """Raise `StoreVersionMismatch` if the program cannot use the store."""
        if self.problem:
            raise StoreVersionMismatch(self.problem)


def title(name: str) -> str:
    """Return the name of a migration for people: `0002 guards` for `0002_guards`."""
    return name.replace("_", " ", 1)


def number(name: str) -> int:
    """Return the number of a migration: 2 of `0002_guards`."""
    return int(name.partition("_")[0])


def newer(migration: str) -> StoreVersionMismatch:
    """Return the error for a store on which a newer program has carried out a migration."""
    return StoreVersionMismatch(
        f"the store was written by a newer Kith (migration {migration}): upgrade this program, or restore a backup "
        "from before the upgrade"
    )
