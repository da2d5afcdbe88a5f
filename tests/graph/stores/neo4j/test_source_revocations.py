"""A write that has read the source revocations before one is set or restored is run again."""

import asyncio

import pytest
from msgspec.structs import replace

from graph.commands.commit import commit
from graph.domain.model.receipts import ObservationStatus
from graph.domain.model.source_revocations import SourceRevocation
from graph.ports import ReadEvidence, Request, Work
from graph.stores.neo4j import Neo4jStore
from tests.builders.graphs import NOW, CountingIds, observe, seen, small_rules
from tests.builders.runs import Run
from tests.builders.source_revocations import put, received, source_revocation
from tests.builders.stores import wipe

RULES = small_rules()
REVOKED = source_revocation(recorded_to=10)


@pytest.mark.neo4j
@pytest.mark.parametrize(
    ("before", "meanwhile", "status"),
    [
        ([], REVOKED, ObservationStatus.SOURCE_REVOKED),
        ([REVOKED], replace(REVOKED, restored_at=NOW), ObservationStatus.VALID),
    ],
)
def test_a_write_sees_a_revocation_that_is_committed_before_it(
    neo4j_store: Neo4jStore,
    run: Run,
    before: list[SourceRevocation],
    meanwhile: SourceRevocation,
    status: ObservationStatus,
) -> None:
    # given
    run(wipe(neo4j_store))
    for revocation in before:
        run(neo4j_store.write(lambda revocation=revocation: put(revocation)))
    command = received(observe(seen("crm=a", id="1"), RULES), NOW)
    has_read, committed = asyncio.Event(), asyncio.Event()
    tries: list[None] = []

    def slow_commit() -> Work[object]:
        tries.append(None)
        work = commit([command], RULES, NOW, CountingIds())
        answer = yield next(work)
        has_read.set()
        while not committed.is_set():
            yield ReadEvidence([])
        try:
            while True:
                request: Request = work.send(answer)
                answer = yield request
        except StopIteration as stop:
            return stop.value

    async def revoke_meanwhile() -> None:
        write = asyncio.create_task(neo4j_store.write(slow_commit))
        await has_read.wait()
        # when
        await neo4j_store.write(lambda: put(meanwhile))
        committed.set()
        await write

    run(revoke_meanwhile())
    # then
    (receipt,) = run(neo4j_store.receipts(None, 10))
    assert receipt.status is status
    assert len(tries) == 2
