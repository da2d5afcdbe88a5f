"""Refused records are taken in again, with what came with them, at the time of their delivery, with one effect each."""

import json
from typing import Any

import pytest

from graph.domain.model.errors import InvalidInput
from graph.domain.model.refused_records import RefusedFilter, RefusedRecord
from graph.ports import Store
from service.config.connectors_file import ConnectorSource
from service.connectors.intake import Intake
from service.connectors.mapping_file import parse
from service.connectors.retrying import Retried, retry
from tests.builders.clients import Client
from tests.builders.refused_records import refused
from tests.builders.runs import Run

ALL = RefusedFilter()
AT = 1_780_000_000_000_000
BROKEN = """title = "A shop"
id = "id"
[[statement]]
kind = "observation"
when = { "@x-topic" = "customer" }
identifiers.email = "mail"
"""
MENDED = BROKEN.replace('"mail"', '"email"')
RECORD = {"id": "1", "email": "ann@example.com", "@type": "Person"}
TOPIC = {"x-topic": "customer", "user-agent": "shop/1"}


@pytest.fixture
def client(store: Store, run: Run) -> Client:
    client = Client(store, run)
    run(client.wiring.prepare())
    return client


def intake(client: Client, text: str, source: str = "shop") -> Intake:
    return Intake(client.graph, ConnectorSource(source, "shop"), parse(text, "shop"))


def kept(client: Client, run: Run) -> list[RefusedRecord]:
    return list(run(client.graph.refused.page(ALL, None, 100)).items)


def retried(client: Client, run: Run, text: str = MENDED, filter: RefusedFilter = ALL) -> Retried:
    way_in = intake(client, text)
    return run(retry(client.graph, filter, lambda record: way_in))


def deliver(client: Client, run: Run, record: Any = RECORD, at: int = AT, **beside: str) -> None:
    run(intake(client, BROKEN).take([record], {**TOPIC, **beside}, at))


def test_a_record_is_kept_as_it_was_sent_with_what_the_mapping_reads_beside_it(client: Client, run: Run) -> None:
    # when
    deliver(client, run)
    # then
    (record,) = kept(client, run)
    assert json.loads(record.content) == RECORD
    assert json.loads(record.beside) == {"x-topic": "customer"}
    assert (record.source, record.mapping, record.code, record.record_id) == ("shop", "shop", "NOT_MAPPED", "1")


def test_it_is_taken_in_at_the_time_of_its_delivery_once_the_mapping_is_mended(client: Client, run: Run) -> None:
    # given
    deliver(client, run)
    deliver(client, run, at=AT + 1_000_000)
    # when
    result = retried(client, run)
    # then
    assert (result.taken, result.refused) == (1, {})
    assert kept(client, run) == []
    seen = client.customer("email=ann@example.com", "identifiers { nodes { firstSeenAt lastSeenAt } }")
    (identifier,) = seen["identifiers"]["nodes"]
    assert identifier["firstSeenAt"] == identifier["lastSeenAt"] == "2026-05-28T20:26:40Z"
    # when it is delivered again, and was refused by a process that still had the old mapping
    deliver(client, run, at=AT + 2_000_000)
    again = retried(client, run)
    # then
    assert again.taken == 1
    assert kept(client, run) == []
    seen = client.customer("email=ann@example.com", "identifiers { nodes { observationCount } }")
    assert seen["identifiers"]["nodes"] == [{"observationCount": 1}]


def test_a_record_that_is_refused_again_stays_as_it_was_delivered(client: Client, run: Run) -> None:
    # given
    deliver(client, run)
    before = kept(client, run)
    counted = dict(client.graph.refused.deliveries)
    # when
    result = retried(client, run, BROKEN)
    # then
    assert (result.taken, result.refused) == (0, {"NOT_MAPPED": 1})
    assert result.examples == {"NOT_MAPPED": "no statement of the mapping takes this record"}
    assert kept(client, run) == before
    assert dict(client.graph.refused.deliveries) == counted


def test_a_record_that_is_refused_for_another_reason_has_the_new_one(client: Client, run: Run) -> None:
    # given
    deliver(client, run, {"id": "1", "email": "not an address"})
    deliver(client, run, {"id": "1", "email": "not an address"}, at=AT + 5)
    # when
    result = retried(client, run)
    # then
    assert result.refused == {"NO_VALID_IDENTIFIERS": 1}
    (record,) = kept(client, run)
    assert (record.code, record.count) == ("NO_VALID_IDENTIFIERS", 2)
    assert (record.received_at, record.last_received_at) == (AT, AT + 5)


def test_more_records_than_are_taken_at_a_time_are_all_taken(client: Client, run: Run) -> None:
    # given
    records = [{"id": str(number), "email": f"p{number}@example.com"} for number in range(120)]
    run(intake(client, BROKEN).take(records, TOPIC, AT))
    assert len(kept(client, run)) == 100
    # when
    result = retried(client, run)
    # then
    assert result.taken == 120
    assert kept(client, run) == []
    assert run(client.wiring.store.count_customers()) == 120


def test_only_chosen_records_are_taken_in(client: Client, run: Run) -> None:
    # given
    deliver(client, run)
    other = refused("{}", source="till", at=AT)
    run(client.graph.refused.keep([other]))
    # when
    result = retried(client, run, filter=RefusedFilter(source="shop"))
    # then
    assert result.taken == 1
    assert kept(client, run) == [other]


def test_what_cannot_be_taken_in_again_is_said_and_stays(client: Client, run: Run) -> None:
    # given
    run(client.graph.refused.keep([refused("x" * 40_000, at=AT), refused("{}", source="till", at=AT)]))

    def no_way_in(record: RefusedRecord) -> Intake:
        raise InvalidInput("UNKNOWN_MAPPING", "'segment' is not a mapping")

    # when
    result = run(retry(client.graph, ALL, no_way_in))
    # then
    assert result.refused == {"INVALID_LENGTH": 1, "UNKNOWN_MAPPING": 1}
    assert len(kept(client, run)) == 2


def test_a_later_time_of_sending_does_not_make_another_record(client: Client, run: Run) -> None:
    # given a mapping that reads the time of the batch, which a repeated delivery renews
    way_in = intake(client, BROKEN.replace('id = "id"', 'id = "id"\nsent_at = "@body.sentAt"'))
    # when
    for at in ("2026-05-28T20:26:40Z", "2026-05-28T20:26:50Z"):
        run(way_in.take([RECORD], {**TOPIC, "body.sentat": at}, AT))
    # then
    (record,) = kept(client, run)
    assert record.count == 2
