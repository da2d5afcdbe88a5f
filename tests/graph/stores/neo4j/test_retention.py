"""A page of observations costs the same wherever it begins, so that a run over all of them takes linear time."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from graph.stores.neo4j import Neo4jStore
from graph.stores.neo4j.retention import RETENTION
from tests.builders.runs import Run


def operators(plan: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The operators of a plan, with what they are about."""
    yield plan["operatorType"].partition("@")[0], plan["args"].get("Details", "")
    for child in plan.get("children", ()):
        yield from operators(child)


@pytest.mark.neo4j
def test_a_page_reads_a_range_of_the_index_and_sorts_nothing(neo4j_store: Neo4jStore, run: Run) -> None:
    async def plan() -> Mapping[str, Any]:
        async with neo4j_store._session() as session:
            query = f"EXPLAIN {RETENTION['expirable_observations']}"
            result = await session.run(query, filters=[], source="shop", id="1", first=2)
            return (await result.consume()).plan or {}

    # when
    found = list(operators(run(plan())))
    # then
    reads = [name for name, details in found if "o:Observation" in details]
    assert reads == ["NodeUniqueIndexSeek", "NodeUniqueIndexSeek"]
    assert "Sort" not in [name for name, _ in found]
