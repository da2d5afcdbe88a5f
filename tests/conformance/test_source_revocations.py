"""Source revocations on each store: the same graph as the model's, and resumable in another process."""

import asyncio
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from graph.commands.commit import commit
from graph.commands.source_revocations import PAGE_SIZE
from graph.domain.model.receipts import Receipt
from graph.domain.model.source_revocations import SourceRevocation, SourceWindow
from graph.domain.resolution.preparation import Command
from graph.identity_graph import IdentityGraph
from graph.ports import Store
from tests.builders.graphs import NOW, CountingIds, FixedClock, Graph, observe, revoke, seen, small_rules
from tests.builders.runs import Run
from tests.builders.source_revocations import put, received, reevaluations, source_revocation
from tests.builders.store_contents import comparable, read_all
from tests.builders.stores import Fresh
from tests.builders.strategies import KEYS, RULES, SETTINGS, batches

NONSENSE = source_revocation("till", recorded_to=10)


def test_source_revocations_are_returned_as_they_were_stored_oldest_first(fresh: Fresh, run: Run) -> None:
    # given
    store = fresh()
    later = source_revocation("till", 1, 2, id="srv_1", at=NOW + 1)
    earlier = replace(source_revocation("shop", None, 2, id="srv_2", include_refusals=False), total=7, processed_to="x")
    # when
    for revocation in (later, earlier):
        run(store.write(lambda revocation=revocation: put(revocation)))
    restored = replace(later, restored_at=NOW + 5, restored_by="sue", pending=False, processed=3)
    run(store.write(lambda: put(restored)))
    # then
    assert run(store.source_revocations()) == [earlier, restored]


def test_the_observations_of_a_source_are_those_that_arrived_in_the_window(fresh: Fresh, run: Run) -> None:
    # given
    store = fresh()
    commands = [
        received(observe(seen("crm=a", id=f"{at}", source=source), RULES), NOW + at)
        for at in range(5)
        for source in ("shop", "till")
    ]
    run(store.write(lambda: commit([*commands, revoke("99", "till")], RULES, NOW, CountingIds())))
    # then
    window = "till", NOW + 1, NOW + 4
    assert run(store.observations_of_source(*window, "", 10)) == ["1", "2", "3"]
    assert run(store.observations_of_source(*window, "1", 1)) == ["2"]
    assert run(store.count_observations_of_source(*window)) == 3
    assert run(store.observations_of_source("till", None, NOW + 100, "", 10)) == ["0", "1", "2", "3", "4"]
    assert run(store.count_observations_of_source("web", None, NOW + 100)) == 0


def contents(store: Store, run: Run) -> object:
    neighborhood, region = run(store.write(lambda: read_all(KEYS)))
    return comparable(region, neighborhood)


def is_in(revocation: SourceRevocation, receipt: Receipt) -> bool:
    """Whether an observation has arrived in the window of a revocation."""
    return receipt.digest != "" and revocation.covers(receipt)


@settings(SETTINGS, max_examples=30)
@given(sequence=batches, size=st.integers(1, 7), begin=st.none() | st.integers(0, 3))
def test_a_revocation_and_its_restoration_result_in_the_graph_of_the_model(
    fresh: Fresh, run: Run, sequence: Sequence[Sequence[Command]], size: int, begin: int | None
) -> None:
    # given
    store, model, ids = fresh(), Graph(RULES), CountingIds()

    def both(commands: Sequence[Command]) -> None:
        assert model.do(*commands) == run(store.write(lambda: commit(commands, RULES, model.now, ids)))

    def evaluate(revocation: SourceRevocation) -> None:
        model.store.run(lambda: put(revocation))
        run(store.write(lambda: put(revocation)))
        window = revocation.source, revocation.recorded_from, revocation.recorded_to
        found = run(store.observations_of_source(*window, "", 1000))
        arrived = sorted(id for (source, id), receipt in model.store.receipts.items() if source == "till")
        assert found == [id for id in arrived if is_in(revocation, model.store.receipts["till", id])]
        for start in range(0, len(found), size):
            both(reevaluations(found[start : start + size], revocation, RULES))

    for number, batch in enumerate(sequence):
        both([received(command, NOW + number * 1_000_000) for command in batch])
    revocation = source_revocation("till", begin, 6)
    # when
    evaluate(revocation)
    revoked, expected = contents(store, run), model.store.run(lambda: read_all(KEYS))
    # then
    assert revoked == comparable(expected[1], expected[0])
    # when
    evaluate(replace(revocation, restored_at=NOW))
    restored, expected = contents(store, run), model.store.run(lambda: read_all(KEYS))
    # then
    assert restored == comparable(expected[1], expected[0])
    assert [entry.change for entry in run(store.changes(0, 10_000))] == model.store.changes


def test_a_source_that_is_revoked_while_another_is_being_evaluated_is_evaluated_too(fresh: Fresh, run: Run) -> None:
    # given
    store, sources = fresh(), [f"partner {number}" for number in range(8)]
    commands = [received(observe(seen(f"mail={source}", id="1", source=source), RULES), NOW - 1) for source in sources]
    run(store.write(lambda: commit(commands, RULES, NOW, CountingIds())))
    graph = graph_over(store, 20_000)

    async def revoke_all() -> None:
        for number, source in enumerate(sources):
            await graph.source_revocations.revoke(await graph.source_revocations.draft(SourceWindow(source)))
            await asyncio.sleep(0.001 * number)

    # when
    run(revoke_all())
    run(graph.source_revocations.applied())
    # then
    assert [revocation.pending for revocation in run(store.source_revocations())] == [False] * len(sources)
    assert run(store.count_customers()) == 0


def graph_over(store: Store, first_id: int) -> IdentityGraph:
    return IdentityGraph(store, small_rules(), FixedClock(), CountingIds(first_id), frozenset())


def test_another_process_continues_where_one_was_stopped(fresh: Fresh, run: Run) -> None:
    # given: more observations than three pages hold
    store, count = fresh(), 3 * PAGE_SIZE + 10
    commands = [
        received(observe(seen(f"crm={n // 2}", f"mail={n}", id=f"{n:04}", source="till"), RULES), NOW - 1)
        for n in range(count)
    ]
    new_ids = CountingIds()
    for start in range(0, count, 100):
        batch = commands[start : start + 100]
        run(store.write(lambda batch=batch: commit(batch, RULES, NOW, new_ids)))
    run(store.write(lambda: commit([observe(seen("crm=0", id="1"), RULES)], RULES, NOW, new_ids)))
    graph, ids = graph_over(store, 20_000), [f"{n:04}" for n in range(count)]

    async def revoke_and_stop() -> None:
        revoked = await graph.source_revocations.revoke(await graph.source_revocations.draft(SourceWindow("till")))
        assert revoked.created
        for _ in range(10_000):
            if (await store.source_revocations())[0].processed_to:
                break
            await asyncio.sleep(0.001)
        # as if the process were killed
        graph.source_revocations.close()

    # when
    run(revoke_and_stop())
    (stopped,) = run(store.source_revocations())
    other = graph_over(store, 30_000)
    run(other.source_revocations.open())
    run(other.source_revocations.applied())
    # then
    (completed,) = run(store.source_revocations())
    assert stopped.pending
    assert (stopped.total, completed.total, completed.processed, completed.pending) == (count, count, count, False)
    statuses = {receipt.id: receipt.status.value for receipt in run(store.receipts(None, 10_000))}
    assert statuses == {**dict.fromkeys(ids, "source_revoked"), "1": "valid"}
    assert run(store.customer_ids_of(["mail=5"])) == [""]
    assert run(store.count_customers()) == 1
    # when
    run(other.source_revocations.restore(completed.id, "sue"))
    run(other.source_revocations.applied())
    # then
    assert {receipt.status.value for receipt in run(store.receipts(None, 10_000))} == {"valid"}
    assert run(store.count_customers()) == (count + 1) // 2
