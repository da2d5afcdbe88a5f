"""Reads and writes on a cluster, which is a stub that speaks the protocol: `tests/builders/bolt_cluster.py`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from graph.domain.model.errors import InvalidInput, StoreUnavailable
from graph.stores.neo4j import cluster as cluster_module
from graph.stores.neo4j.cluster import only_reads
from graph.stores.neo4j.connection import Connections, OpenTransaction
from tests.builders.bolt_cluster import Cluster, bookmark, cluster_of
from tests.builders.runs import Run

READ, WRITE = "MATCH (n) RETURN n", "CREATE (n) RETURN n"
Attempt = Callable[[Cluster, Connections], Awaitable[None]]


@asynccontextmanager
async def connected(cluster: Cluster, scheme: str = "neo4j") -> AsyncIterator[Connections]:
    connections = Connections(f"{scheme}://{cluster.members[cluster.leader].address}", "", "", "neo4j")
    try:
        yield connections
    finally:
        await connections.close()


async def write(connections: Connections) -> str:
    """Write something; return the member that did it."""

    async def work(tx: OpenTransaction) -> str:
        (record,) = await tx.run(WRITE, {})
        return record["member"]

    return await connections.transact(work)


async def read(connections: Connections) -> tuple[str, int]:
    """Read; return the member, and the number of the last transaction that it has."""
    (record,) = await connections.read(READ, {})
    return record["member"], record["applied"]


def attempt(run: Run, work: Attempt, *names: str) -> None:
    async def all_of_it() -> None:
        async with asyncio.timeout(60), cluster_of(*names) as cluster, connected(cluster) as connections:
            await work(cluster, connections)

    run(all_of_it())


def test_writes_go_to_the_leader_and_reads_to_others_with_the_bookmark_of_the_write(run: Run) -> None:
    async def work(cluster: Cluster, connections: Connections) -> None:
        # when
        writers = {await write(connections) for _ in range(2)}
        readers = [await read(connections) for _ in range(4)]
        # then
        assert writers == {"a"}
        assert {member for member, _ in readers} <= {"b", "c"}
        assert {applied for _, applied in readers} == {2}
        first, second = cluster.of_mode("w")
        assert first.bookmarks == ()
        assert second.bookmarks == (bookmark(1),)
        assert {one.bookmarks for one in cluster.of_mode("r")} == {(bookmark(2),)}
        assert connections.cluster.bookmarks == {bookmark(2)}

    attempt(run, work, "a", "b", "c")


def test_a_read_waits_for_a_member_that_lags_behind(run: Run) -> None:
    async def work(cluster: Cluster, connections: Connections) -> None:
        # given
        await read(connections)
        cluster.members["b"].lags = True
        await write(connections)
        # when
        reading = asyncio.create_task(read(connections))
        done, _ = await asyncio.wait([reading], timeout=0.3)
        # then
        assert not done
        await cluster.catch_up("b")
        assert await reading == ("b", 1)

    attempt(run, work, "a", "b")


def test_a_caller_of_another_process_reads_what_it_has_written(run: Run) -> None:
    async def work(cluster: Cluster, connections: Connections) -> None:
        async with connected(cluster) as others:
            # given
            await read(others)
            cluster.members["b"].lags = True
            await write(connections)
            assert await read(others) == ("b", 0)
            # when
            reaching = asyncio.create_task(others.reach(connections.cluster.bookmarks))
            done, _ = await asyncio.wait([reaching], timeout=0.3)
            assert not done
            await cluster.catch_up("b")
            await reaching
            # then: so do all reads of this process from then on
            cluster.transacted.clear()
            assert await read(others) == ("b", 1)
            assert [one.bookmarks for one in cluster.transacted] == [(bookmark(1),)]

    attempt(run, work, "a", "b")


def test_a_bookmark_that_is_not_reached_is_a_temporary_error_in_bounded_time(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_module, "REACH_SECONDS", 0.3)

    async def work(cluster: Cluster, connections: Connections) -> None:
        # when: it is the first that this process is asked for
        with pytest.raises(StoreUnavailable, match="within"):
            await connections.reach(frozenset({bookmark(7)}))
        # then: nobody else waits for it
        assert await read(connections) == ("b", 0)
        assert all(bookmark(7) not in one.bookmarks for one in cluster.transacted[-1:])

    attempt(run, work, "a", "b")


@pytest.mark.parametrize("text", ["FB:", "nonsense", "FB:" + "A" * 300, "FB:0001\n", "FB:never"])
def test_a_bookmark_that_is_none_is_refused(run: Run, text: str) -> None:
    async def work(cluster: Cluster, connections: Connections) -> None:
        await read(connections)
        with pytest.raises(InvalidInput) as caught:
            await connections.reach(frozenset({text}))
        assert caught.value.code == "INVALID_BOOKMARK"
        # The last one has the form of a bookmark, so the database is asked.
        assert (cluster.transacted[-1].query == "RETURN 1") == (text == "FB:never")

    attempt(run, work, "a", "b")


def test_a_write_that_meets_a_former_leader_is_done_by_the_new_one(run: Run) -> None:
    async def work(cluster: Cluster, connections: Connections) -> None:
        # given
        assert await write(connections) == "a"
        # when
        cluster.leader = "b"
        # then
        assert await write(connections) == "b"
        assert cluster.committed == 2
        assert await read(connections) in [("a", 2), ("c", 2)]

    attempt(run, work, "a", "b", "c")


def test_a_read_that_takes_long_is_not_given_up_because_the_leader_does_not_know_it(run: Run) -> None:
    async def work(cluster: Cluster, connections: Connections) -> None:
        # given: a member that lags for longer than an answer may be late
        await read(connections)
        cluster.members["b"].lags = True
        await write(connections)
        reading = asyncio.create_task(read(connections))
        await asyncio.sleep(3.5)
        # when
        await cluster.catch_up("b")
        # then
        assert await reading == ("b", 1)
        assert len(cluster.of_mode("r")) == 2

    attempt(run, work, "a", "b")


def test_a_single_server_gets_no_bookmarks_and_gives_none_out(run: Run) -> None:
    async def work(cluster: Cluster, connections: Connections) -> None:
        await write(connections)
        assert await read(connections) == ("a", 1)
        await connections.reach(frozenset({"anything"}))
        assert {one.bookmarks for one in cluster.transacted} == {()}
        assert connections.cluster.bookmarks == frozenset()

    attempt(run, work, "a")


def test_an_address_that_does_not_route_is_one_server(run: Run) -> None:
    async def all_of_it() -> None:
        async with cluster_of("a", "b") as cluster, connected(cluster, "bolt") as connections:
            await write(connections)
            assert await read(connections) == ("a", 1)
            assert {one.mode for one in cluster.transacted} == {"w"}

    run(all_of_it())


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("MATCH (n) RETURN n.set", True),
        ("CALL (n) { RETURN 1 } RETURN n // SET nothing", True),
        ("MATCH (n) SET n.x = 1", False),
        ("MERGE (n) RETURN n", False),
        ("MATCH (n) DETACH DELETE n", False),
    ],
)
def test_queries_that_write_are_told_from_others(query: str, expected: bool) -> None:
    assert only_reads(query) is expected
