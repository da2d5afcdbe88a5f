"""A write that has read tombstones before an erasure, and an erasure that has read before a write, are run again."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from graph.commands.commit import commit
from graph.commands.erase import erase
from graph.domain.model.tombstones import TombstoneMode
from graph.ports import ReadEvidence, Request, T, Work, Write
from graph.stores.neo4j import Neo4jStore
from tests.builders.erasure_requests import erasure_request
from tests.builders.graphs import NOW, TOMBSTONE_RULES, CountingIds, observe, seen, small_rules
from tests.builders.runs import Run
from tests.builders.stores import wipe

RULES = small_rules()


def erasure_of(key: str) -> Work[Any]:
    request = erasure_request((key,), NOW, TombstoneMode.ERASED, "ers_1")
    return erase(request, RULES, 0, TOMBSTONE_RULES, NOW, CountingIds(100))


def observation(*keys: str, id: str = "1") -> Work[Any]:
    commands = [observe(seen(*keys, id=id), RULES)]
    return commit(commands, RULES, NOW, CountingIds(), tombstone_rules=TOMBSTONE_RULES)


class Paused:
    """A write that waits after all its reads, the first time that it runs."""

    def __init__(self, work: Callable[[], Work[T]]) -> None:
        self._work = work
        self.has_read, self.goes_on = asyncio.Event(), asyncio.Event()
        self.tries = 0

    def __call__(self) -> Work[T]:
        self.tries += 1
        work = self._work()
        answer: Any = None
        try:
            while True:
                request: Request = work.send(answer)
                if isinstance(request, Write):
                    self.has_read.set()
                    while not self.goes_on.is_set():
                        yield ReadEvidence([])
                answer = yield request
        except StopIteration as stop:
            return stop.value


async def write_meanwhile(store: Neo4jStore, paused: Paused, other: Callable[[], Work[Any]]) -> None:
    """Commit a write while another one has read everything and has written nothing."""
    write = asyncio.create_task(store.write(paused))
    await paused.has_read.wait()
    await store.write(other)
    paused.goes_on.set()
    await write


def is_named(store: Neo4jStore, run: Run, value: str) -> bool:
    return any(f'"{value}"' in receipt.sent for receipt in run(store.receipts(None, 10)))


# The rules reject a statement of two customer numbers. It is kept as it was sent, and locks no identifier.
REJECTED = ("crm=a", "crm=b", "mail=erased")


@pytest.mark.neo4j
def test_a_write_sees_an_erasure_that_is_committed_before_it(neo4j_store: Neo4jStore, run: Run) -> None:
    # given
    run(wipe(neo4j_store))
    paused = Paused(lambda: observation(*REJECTED))
    # when
    run(write_meanwhile(neo4j_store, paused, lambda: erasure_of("mail=erased")))
    # then
    assert paused.tries == 2
    assert not is_named(neo4j_store, run, "erased")


@pytest.mark.neo4j
def test_a_write_is_not_run_again_for_the_erasure_of_somebody_else(neo4j_store: Neo4jStore, run: Run) -> None:
    # given
    run(wipe(neo4j_store))
    paused = Paused(lambda: observation("mail=a"))
    # when
    run(write_meanwhile(neo4j_store, paused, lambda: erasure_of("mail=b")))
    # then
    assert paused.tries == 1
    assert run(neo4j_store.identifier_keys("", 10)) == ["mail=a"]


@pytest.mark.neo4j
def test_an_erasure_sees_a_statement_that_is_committed_before_it(neo4j_store: Neo4jStore, run: Run) -> None:
    # given
    run(wipe(neo4j_store))
    paused = Paused(lambda: erasure_of("mail=erased"))
    # when
    run(write_meanwhile(neo4j_store, paused, lambda: observation(*REJECTED)))
    # then
    assert paused.tries == 2
    assert not is_named(neo4j_store, run, "erased")
