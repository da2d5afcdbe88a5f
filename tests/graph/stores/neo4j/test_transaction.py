"""The parameters that a write gives the driver."""

import logging

import pytest

from graph.stores.neo4j import Neo4jStore
from graph.stores.neo4j.connection import OpenTransaction
from graph.stores.neo4j.transaction import Transaction
from tests.builders.runs import Run


@pytest.mark.neo4j
def test_parameters_reach_the_database_and_no_log(
    neo4j_store: Neo4jStore, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def echo(tx: OpenTransaction) -> object:
        ((key, values),) = await Transaction(tx)._run(
            "RETURN $params.keys[0] AS key, $params.values AS values",
            keys=["email=anna@mail.example"],
            values={"a": [1]},
        )
        return key, values

    # Given
    caplog.set_level(logging.DEBUG, "neo4j")
    # When
    echoed = run(neo4j_store._transact(echo))
    # Then
    assert echoed == ("email=anna@mail.example", {"a": [1]})
    assert "$params.keys[0]" in caplog.text
    assert "anna" not in caplog.text
