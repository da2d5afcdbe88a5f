"""`/metrics`: who may read it, and what it contains of the graph."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from graph.domain.access.roles import ROLES
from graph.stores.sqlite import SQLiteStore
from tests.builders.clients import Client, order, seen
from tests.builders.runs import Run

KEY = "0123456789abcdef"
MakeClient = Callable[..., Client]


@pytest.fixture
def make(tmp_path: Path, run: Run) -> Iterator[MakeClient]:
    store = SQLiteStore(tmp_path / "kith.db")
    run(store.migrate())

    def make_client(**settings: Any) -> Client:
        client = Client(store, run, **settings)
        run(client.wiring.prepare())
        return client

    yield make_client
    run(store.close())


def values(text: str) -> dict[str, float]:
    """The values of samples without labels."""
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.labels
    }


@pytest.mark.parametrize("role", [name for name in ROLES.grantable if name != "admin"])
def test_metrics_are_for_administrators(make: MakeClient, role: str) -> None:
    # given: a caller that may record an address; how many identifiers there are would tell whether it was known
    client = make(api_keys=f"shop:{role}:{KEY}")
    # when
    response = client.get("/metrics", authorization=f"Bearer {KEY}")
    # then
    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")


def test_metrics_require_a_key_if_the_service_has_keys(make: MakeClient) -> None:
    # given
    client = make(api_keys=f"prometheus:admin:{KEY}")
    # when
    without, wrong, right = (
        client.get("/metrics", **headers)
        for headers in ({}, {"authorization": "Bearer x"}, {"authorization": f"Bearer {KEY}"})
    )
    # then
    assert (without.status_code, wrong.status_code, right.status_code) == (401, 401, 200)
    assert "kith_build_info" in right.text


@pytest.mark.parametrize("settings", [{"metrics": "public", "api_keys": f"shop:till:{KEY}"}, {}])
def test_public_metrics_and_those_of_a_service_without_keys_require_none(
    make: MakeClient, settings: dict[str, str]
) -> None:
    assert make(**settings).get("/metrics").status_code == 200


def test_metrics_can_be_off(make: MakeClient) -> None:
    assert make(metrics="off").get("/metrics").status_code == 404


def test_repeated_transactions_are_counted_by_reason(make: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    # given
    client = make()
    monkeypatch.setattr(SQLiteStore, "conflicts", 2)
    client.graph.writer.counters.reloads = 3
    # when
    text = client.get("/metrics").text
    # then
    assert 'kith_write_retries_total{reason="conflict"} 2.0' in text
    assert 'kith_write_retries_total{reason="rules_changed"} 3.0' in text


def test_writes_readings_and_caches_are_counted(make: MakeClient) -> None:
    # given
    client = make()
    before = values(client.get("/metrics").text)
    # when
    client.link(seen("crm_id=Ann", "email=ann@mail.example"), seen("crm_id=Ben"))
    client.record(order("W-1", "crm_id=Ann"))
    client.ask("mutation { recalculateRfm { calculatedAt } }")
    client.ask("{ __typename }")
    client.ask("{ __typename }")
    after = values(client.get("/metrics").text)
    # then
    assert (before["kith_feed_position"], before["kith_store_identifiers"]) == (0, 0)
    assert after["kith_write_group_size_count"] == 2
    assert after["kith_write_group_size_sum"] == 3
    assert after["kith_store_identifiers"] == 4
    assert after["kith_store_size_bytes"] > 4_096
    assert after["kith_feed_position"] >= 2
    assert after["kith_feed_lag_entries"] == 0
    assert after["kith_writes_waiting"] == 0
    assert after["kith_ready"] == 1
    assert after["kith_rfm_runs_total"] == 1
    assert after["kith_rfm_customers_total"] == 1
    assert after["kith_rfm_calculated_timestamp_seconds"] > 1_700_000_000
    caches = client.get("/metrics").text
    assert 'kith_cache_entries{cache="documents"} 4.0' in caches
    assert 'kith_cache_entries{cache="compiled_operations"} 1.0' in caches


def test_openmetrics_is_served_if_it_is_accepted(make: MakeClient) -> None:
    # when
    response = make().get("/metrics", accept="application/openmetrics-text; version=1.0.0")
    # then
    assert response.headers["content-type"].startswith("application/openmetrics-text")
    assert {family.name for family in parse_openmetrics(response.text)} >= {"kith_build", "kith_writes_overloaded"}


def test_metrics_are_served_without_the_store(tmp_path: Path, run: Run) -> None:
    # given
    store = SQLiteStore(tmp_path / "no-folder" / "kith.db")
    # when
    response = Client(store, run).get("/metrics")
    run(store.close())
    # then
    assert response.status_code == 200
    assert values(response.text)["kith_ready"] == 0
    assert "kith_feed_position" not in values(response.text)


def test_due_customers_are_counted_if_there_are_segments(make: MakeClient) -> None:
    # given
    client = make()
    client.link(seen("crm_id=Ann"), seen("crm_id=Ben"))
    without = values(client.get("/metrics").text)
    # when
    rule = {"journeyStage": ["DISCOVERY"]}
    create = "mutation($i: CreateSegmentInput!) { createSegment(input: $i) { errors { message } } }"
    created = client.ask(create, {"i": {"name": "buyers", "rule": rule}})
    # then
    assert created["createSegment"]["errors"] == []
    assert "kith_segments_due_customers" not in without
    assert values(client.get("/metrics").text)["kith_segments_due_customers"] == 2
