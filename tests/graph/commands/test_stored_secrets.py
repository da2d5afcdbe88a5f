"""All processes of a store have one secret, also if they make it at the same time."""

import asyncio

import pytest

from graph.commands.stored_secrets import stored_secret
from graph.domain.model.errors import StoreUnavailable
from graph.ports import Store
from tests.builders.graphs import CountingIds
from tests.builders.runs import Run


class ForgetfulStore:
    """A store of which somebody removes the value whenever another one was made."""

    async def get_value(self, name: str) -> str | None:
        return None

    async def replace_value(self, name: str, text: str, expected: str | None) -> bool:
        return False


def test_processes_that_make_a_secret_at_the_same_time_have_one(store: Store, run: Run) -> None:
    # given
    ids = CountingIds()

    async def several() -> list[str]:
        return await asyncio.gather(*(stored_secret(store, "a secret", ids.secret) for _ in range(5)))

    # when
    found = run(several())
    # then
    assert len(set(found)) == 1
    assert run(store.get_value("a secret")) == found[0]
    # and a process that starts later makes none
    assert run(stored_secret(store, "a secret", ids.secret)) == found[0]


def test_a_secret_that_is_removed_meanwhile_is_not_guessed(run: Run) -> None:
    with pytest.raises(StoreUnavailable, match="a secret"):
        run(stored_secret(ForgetfulStore(), "a secret", CountingIds().secret))
