"""Background work waits for the database."""

import asyncio

import pytest

from graph.commands import retries
from graph.commands.retries import with_retries
from graph.domain.model.errors import RulesChanged, StoreUnavailable


def test_background_work_is_retried_while_the_database_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    # given
    monkeypatch.setattr(retries, "FIRST_PAUSE_SECONDS", 0)
    failures = [StoreUnavailable("no answer"), RulesChanged("new rules")]

    async def operation() -> str:
        if failures:
            raise failures.pop(0)
        return "done"

    # then
    with pytest.raises(RulesChanged):
        asyncio.run(with_retries(operation, stops_if_rules_change=True))
    failures.append(RulesChanged("new rules"))
    assert asyncio.run(with_retries(operation)) == "done"
