"""What cannot be read or stored is kept as refused, and the other messages of its batch are stored."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pytest

from graph.commands.refused_records import NO_FILTER
from graph.domain.model.errors import StoreUnavailable
from graph.ports import Store
from service.brokers.consumer import Consumer
from service.brokers.subscription import Message
from service.config.connectors_file import ConnectorSource
from service.connectors import mapping_file
from service.connectors.intake import Intake, Outcome
from tests.builders.brokers import MAPPING, visit
from tests.builders.clients import Client
from tests.builders.runs import Run


class Failing(Intake):
    """Fails at records with `fails`, as a defect would, and at all while it is `away`."""

    away = False

    async def take(
        self, records: Sequence[Any], beside: Mapping[str, Any] | Sequence[Mapping[str, Any]], received_at: int
    ) -> list[Outcome]:
        if self.away:
            raise StoreUnavailable("the database does not respond")
        if any(isinstance(record, dict) and "fails" in record for record in records):
            raise KeyError("ann@example.com")
        return await super().take(records, beside, received_at)


@pytest.fixture
def client(store: Store, run: Run) -> Client:
    return Client(store, run)


@pytest.fixture
def intake(client: Client) -> Failing:
    mapping = mapping_file.parse(MAPPING, "visits")
    return Failing(client.graph, ConnectorSource("shop", "visits"), mapping)


def test_one_record_that_fails_unexpectedly_costs_no_other(
    client: Client, intake: Failing, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    # given
    contents = [orjson.dumps(visit(number)) for number in range(20)]
    contents[7] = orjson.dumps(visit(7, fails=True))
    contents[11] = b"{not JSON"
    messages = [Message(content, 0) for content in contents] + [Message(None, 0)]
    consumer = Consumer(intake)
    # when
    run(consumer.handle(messages))
    # then
    assert consumer.summary() == "21 messages; records: 18 accepted, 0 duplicate, 0 ignored, 2 refused"
    refused = run(client.graph.refused.page(NO_FILTER, None, 10)).items
    assert {(record.code, record.source, record.mapping) for record in refused} == {
        ("INTERNAL_SERVER_ERROR", "shop", "visits"),
        ("INVALID_BODY", "shop", "visits"),
    }
    assert "{not JSON" in next(record.content for record in refused if record.code == "INVALID_BODY")
    assert "a record of shop is refused" in caplog.text
    # when: the batch is delivered again
    run(consumer.handle(messages))
    # then
    assert consumer.summary() == "42 messages; records: 18 accepted, 18 duplicate, 0 ignored, 4 refused"
    assert [record.count for record in run(client.graph.refused.page(NO_FILTER, None, 10)).items] == [2, 2]


def test_a_store_that_is_away_refuses_nothing(client: Client, intake: Failing, run: Run) -> None:
    # given
    consumer = Consumer(intake)
    intake.away = True
    # when
    with pytest.raises(StoreUnavailable):
        run(consumer.handle([Message(orjson.dumps(visit(1)), 0)]))
    # then
    assert consumer.messages == 0
    assert run(client.graph.refused.page(NO_FILTER, None, 10)).items == []
