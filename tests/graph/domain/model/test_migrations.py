"""What a store of another version is told to do."""

import pytest

from graph.domain.model.errors import StoreUnavailable, StoreVersionMismatch
from graph.domain.model.migrations import Migrations, newer, number, title


def test_a_store_of_this_version_has_no_problem() -> None:
    assert Migrations().problem == ""
    Migrations().check()


@pytest.mark.parametrize(
    ("migrations", "problem"),
    [
        (Migrations(["0001_initial", "0002_guards"], empty=True), "the store is empty: run `kith migrate`"),
        (
            Migrations(["0002_guards"]),
            "the store was written by an older Kith and lacks migration 0002 guards: back up and run `kith migrate`",
        ),
        (
            Migrations(["0002_guards", "0003_source_revocations"]),
            "the store was written by an older Kith and lacks 2 migrations, from 0002 guards on: back up and run "
            "`kith migrate`",
        ),
        (
            # Migrations that this version has are of no use to a store of a newer one.
            Migrations(["0002_guards"], ["0007_later"]),
            "the store was written by a newer Kith (migration 0007 later): upgrade this program, or restore a backup "
            "from before the upgrade",
        ),
    ],
)
def test_a_store_of_another_version_says_what_to_do(migrations: Migrations, problem: str) -> None:
    assert migrations.problem == problem
    with pytest.raises(StoreVersionMismatch) as caught:
        migrations.check()
    assert caught.value.message == problem


def test_a_newer_store_is_unavailable_so_that_callers_retry_until_the_program_is_upgraded() -> None:
    assert isinstance(newer("0007"), StoreUnavailable)


def test_a_name_has_a_number_and_a_title() -> None:
    assert (number("0002_guards"), title("0003_source_revocations")) == (2, "0003 source_revocations")
