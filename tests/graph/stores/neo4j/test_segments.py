"""The edges from memberships to customers, which no read of Kith uses."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings

from graph.commands.commit import commit
from graph.domain.model.segments import Membership
from graph.domain.model.store_values import Writes
from graph.domain.resolution.preparation import Command
from graph.ports import ReadSegmentStates, Work, Write
from graph.stores.neo4j import Neo4jStore
from tests.builders.graphs import NOW, CountingIds, Graph
from tests.builders.runs import Run
from tests.builders.stores import wipe
from tests.builders.strategies import RULES, SETTINGS, batches

EDGES = """MATCH (m:Membership)
RETURN m.customer AS id, m.entered_datetime.epochSeconds AS seconds, [(m)-[:OF]->(c:Customer) | c.id] AS customers"""
COUNT = "MATCH (m:Membership) RETURN count(m) AS count"


def enter(ids: Sequence[str]) -> Work[None]:
    yield ReadSegmentStates(ids)
    yield Write(Writes(memberships=[Membership("s1", id, NOW) for id in ids]))


def leave(ids: Sequence[str]) -> Work[None]:
    yield ReadSegmentStates(ids)
    yield Write(Writes(memberships=[Membership("s1", id, None) for id in ids]))


@pytest.mark.neo4j
@settings(SETTINGS, max_examples=30)
@given(sequence=batches)
def test_a_membership_leads_to_the_node_of_its_customer_id(
    neo4j_store: Neo4jStore, run: Run, sequence: list[list[Command]]
) -> None:
    # given
    run(wipe(neo4j_store))
    model, ids = Graph(RULES), CountingIds()
    for batch in sequence:
        # when
        model.do(*batch)
        run(neo4j_store.write(lambda batch=batch: commit(batch, RULES, model.now, ids)))
        # then
        for record in run(neo4j_store._read(EDGES)):
            assert record["customers"] == [record["id"]]
            assert record["seconds"] == NOW // 1_000_000
        live = run(neo4j_store.customer_ids("", 1_000))
        run(neo4j_store.write(lambda live=live: enter(live)))
    # and
    entered = [record["id"] for record in run(neo4j_store._read(EDGES))]
    run(neo4j_store.write(lambda: leave(entered)))
    assert run(neo4j_store._read(COUNT))[0]["count"] == 0
