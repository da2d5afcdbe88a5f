"""What a write gives the driver."""

import logging

import pytest

from graph.stores.neo4j import Neo4jStore
from graph.stores.neo4j.transaction import Transaction
from tests.builders.runs import Run


@pytest.mark.neo4j
def test_values_come_to_the_database_but_into_no_log(
    neo4j_store: Neo4jStore, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def echoed() -> object:
        async with neo4j_store._session() as session, await session.begin_transaction() as tx:
            ((key, many),) = await Transaction(tx)._run(
                "RETURN $asked.keys[0] AS key, $asked.many AS many", keys=["email=anna@mail.example"], many={"a": [1]}
            )
            return key, many

    # Given
    caplog.set_level(logging.DEBUG, "neo4j")
    # When
    found = run(echoed())
    # Then
    assert found == ("email=anna@mail.example", {"a": [1]})
    assert "$asked.keys[0]" in caplog.text
    assert "anna" not in caplog.text
