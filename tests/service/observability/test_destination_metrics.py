"""What monitoring and probes are told of destinations."""

import pytest

from graph.domain.model.audiences import DeliveryStatus, DestinationInfo, DestinationState
from graph.ports import Store
from tests.builders.audience_clients import TOOL, AudienceClient
from tests.builders.clients import Client
from tests.builders.runs import Run

FEED = DestinationInfo("warehouse", "kafka", changes=True)


@pytest.fixture
def sender(store: Store, run: Run) -> AudienceClient:
    client = Client(store, run, destinations=[TOOL, FEED], metrics="public")
    run(client.wiring.prepare())
    return AudienceClient(client)


def metrics(client: Client) -> dict[str, float]:
    """The metrics of destinations, by name with labels."""
    lines = client.get("/metrics").text.splitlines()
    found = [line.rpartition(" ") for line in lines if line.startswith("kith_destination_")]
    return {name.removeprefix("kith_destination_"): float(value) for name, _, value in found}


def test_what_is_owed_sent_and_refused_is_counted(sender: AudienceClient) -> None:
    # given
    addresses = sender.fill(4)
    sender.refused = {addresses[0]: "400"}
    sender.audience(sender.segment())
    sender.owe()
    # when
    owed = metrics(sender.client)
    # then
    assert owed['deliveries{destination="tool",status="owed"}'] == 4
    assert owed['lag_seconds{destination="tool"}'] > 0
    assert owed['up{destination="tool"}'] == 1
    assert 'last_sent_timestamp_seconds{destination="tool"}' not in owed
    # when
    sender.client.wiring.destinations.senders.append(sender.sender)
    sender.deliver()
    # then
    sent = metrics(sender.client)
    assert sent['deliveries{destination="tool",status="owed"}'] == 0
    assert sent['deliveries{destination="tool",status="dead"}'] == 1
    assert sent['lag_seconds{destination="tool"}'] == 0
    assert sent['last_sent_timestamp_seconds{destination="tool"}'] > 1_700_000_000
    assert (sent['sent_total{destination="tool"}'], sent['failed_total{destination="tool"}']) == (3, 1)


def test_a_backlog_is_counted_up_to_a_limit(sender: AudienceClient, run: Run) -> None:
    # given
    sender.fill(5)
    sender.audience(sender.segment())
    sender.owe()
    # when
    reading, _ = run(sender.client.graph.audiences.readings(0, 3))
    # then
    assert reading.counts[DeliveryStatus.OWED] == 3


def test_what_a_destination_of_changes_has_not_been_sent_is_counted(sender: AudienceClient, run: Run) -> None:
    # given
    run(sender.client.graph.ledger.advance("warehouse", 0))
    sender.fill(2)
    newest = run(sender.client.graph.newest_change())
    # when
    found = metrics(sender.client)
    # then
    assert found['unread_changes{destination="warehouse"}'] == newest > 0
    assert found['changes{destination="warehouse",status="waiting"}'] == 0
    assert 'unread_changes{destination="tool"}' not in found


@pytest.mark.parametrize(("login", "sentence"), [(True, "it refuses the credentials"), (False, "it takes nothing")])
def test_a_destination_that_fails_degrades_a_service_that_is_ready(
    sender: AudienceClient, run: Run, login: bool, sentence: str
) -> None:
    # given
    control = sender.client.graph.audiences
    run(
        control.set_state(
            "tool", DestinationState("401: the token of ann@example.com expired", 1_780_000_000_000_000, login)
        )
    )
    # when
    response = sender.client.get("/readyz")
    # then: without what the destination answered
    assert (response.status_code, response.json()) == (
        200,
        {
            "status": "ok",
            "missing": {},
            "degraded": {"destination tool": f"{sentence}, since 2026-05-28T20:26:40Z"},
        },
    )
    found = metrics(sender.client)
    assert (found['up{destination="tool"}'], found['up{destination="warehouse"}']) == (0, 1)
    assert found['login_required{destination="tool"}'] == login
    # when: what is paused is meant to be
    run(control.pause("tool"))
    # then
    assert sender.client.get("/readyz").json() == {"status": "ok", "missing": {}}
    assert metrics(sender.client)['paused{destination="tool"}'] == 1


def test_without_destinations_there_are_no_metrics_of_them(store: Store, run: Run) -> None:
    # given
    client = Client(store, run, metrics="public")
    run(client.wiring.prepare())
    # when, then
    assert metrics(client) == {}
