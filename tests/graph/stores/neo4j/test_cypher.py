"""How queries are read from the .cypher files, and the plans that are kept."""

from collections.abc import Iterator
from typing import Any

import pytest

from graph.stores.neo4j import Neo4jStore
from graph.stores.neo4j.cypher import load, parse
from tests.builders.runs import Run

FIRST = "// name: first\n// Returns one.\nRETURN 1 AS one;\n"


def test_queries_are_read_by_name_in_their_order() -> None:
    text = f"{FIRST}\n// name: second\n// Returns two.\nRETURN 2\n  AS two;\n"
    assert parse(text) == {"first": "RETURN 1 AS one", "second": "RETURN 2\n  AS two"}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("// name: second\n// Returns two.\n// Here; there.\nRETURN 2 AS two;\n", None),
        ("// name: second\n// Returns two.\nRETURN 2 // one; more\nAS two;\n", "second"),
        ("// name: second\nRETURN 2 AS two;\n", "second"),
        (FIRST, "duplicates"),
    ],
)
def test_a_query_that_cannot_be_read_is_an_error(text: str, named: str | None) -> None:
    if named is None:
        assert list(parse(FIRST + text)) == ["first", "second"]
        return
    with pytest.raises(ValueError, match=named):
        parse(FIRST + text)


KEPT = {
    name: text
    for noun in ("reads", "writes", "segments")
    for name, text in load(noun).items()
    if text.startswith("CYPHER replan=skip")
}
HANDFULS = ("r:Rules", "s:SourceRevocation")
"""Nodes of which there are never more than a few."""


def operators(plan: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the operators of a plan, each with its details."""
    yield plan["operatorType"], plan["args"].get("Details", "")
    for child in plan.get("children", ()):
        yield from operators(child)


@pytest.mark.neo4j
@pytest.mark.parametrize("name", KEPT)
def test_a_plan_that_is_kept_reads_along_indexes_even_if_it_was_made_for_an_empty_database(
    name: str, neo4j_store: Neo4jStore, run: Run
) -> None:
    async def explain() -> Any:
        await neo4j_store.clear()
        async with neo4j_store._session() as session:
            # Without the option, so that a plan that was made before is not returned.
            text = KEPT[name].removeprefix("CYPHER replan=skip")
            return (await (await session.run(f"EXPLAIN {text}", {"params": {}})).consume()).plan

    # When
    plan = run(explain())
    # Then
    scans = [details for operator, details in operators(plan) if "Scan" in operator]
    assert [details for details in scans if details not in HANDFULS] == []


def test_the_queries_of_a_write_and_of_a_region_keep_their_plans() -> None:
    assert {"neighborhood", "write", "region_members", "region_links", "customers_at", "absorb"} <= KEPT.keys()
