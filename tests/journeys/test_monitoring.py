"""The dashboard, the alert rules and the table of metrics name what a running service exposes, and nothing else."""

import json
import re

import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.sync.client import connect

from tests.builders.clients import LINK, RECORD, order, seen
from tests.builders.repository import ROOT
from tests.builders.services import Service

FOLDER = ROOT / "docs" / "operations"
ALERTS = (FOLDER / "kith-alerts.yml").read_text("utf-8")
DASHBOARD = json.loads((FOLDER / "kith-dashboard.json").read_text("utf-8"))
EXPRESSIONS = [
    *re.findall(r"^ +expr: (.*)$", ALERTS, re.MULTILINE),
    *(target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]),
]
NAME = re.compile(r"\b(?:kith|http_server|db_client|process|python)_\w+")
SELECTOR = re.compile(r"(\w+)\{([^}]*)\}")
ADDED_BY_PROMETHEUS = {"instance", "job"}
NOT_HERE = {"kith_prediction_fitted_timestamp_seconds", "kith_destination_last_sent_timestamp_seconds"}
"""Documented, but exposed only after models were fitted, which takes minutes and the extra `predict`, or after a
destination took something."""
DESTINATIONS = """[[destination]]
name = "crm"
type = "webhook"
changes = true
allow_http = true

[[destination.endpoints]]
url = "http://127.0.0.1:9/"
secrets = ["file:secret"]
"""

SOURCES = """[[source]]
name = "web"
mapping = "segment"
browser = true
origins = ["https://shop.example"]
secrets = ["a-public-key"]
"""

Samples = dict[str, set[str]]
"""The labels of each sample by its name."""


@pytest.fixture(scope="module")
def exposed(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    """What a service exposes that did everything once."""
    folder = tmp_path_factory.mktemp("monitoring")
    connectors = folder / "connectors.toml"
    connectors.write_text(SOURCES)
    destinations = folder / "destinations.toml"
    destinations.write_text(DESTINATIONS)
    (folder / "secret").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    store = f"sqlite:///{folder / 'kith.db'}"
    settings = {"audit": folder / "audit", "connectors": connectors, "destinations": destinations}
    service = Service(store, folder, rfm_interval_seconds=0, **settings).wait()
    try:
        service.ask(LINK, {"input": {"observations": [seen("crm_id=Ann", "email=ann@mail.example")]}})
        service.ask(RECORD, {"input": {"orders": [order("W-1", "crm_id=Ann")]}})
        create = "mutation($i: CreateSegmentInput!) { createSegment(input: $i) { errors { message } } }"
        service.ask(create, {"i": {"name": "new", "rule": {"journeyStage": ["DISCOVERY"]}}})
        service.ask("mutation { recalculateRfm { calculatedAt } }")
        way_in, origin = f"http://127.0.0.1:{service.port}/in/web", {"origin": "https://shop.example"}
        service.http.post(way_in, json={"type": "unknown"}, headers=origin).raise_for_status()
        with connect(service.socket, subprotocols=["graphql-transport-ws"]) as client:
            client.send(json.dumps({"type": "connection_init"}))
            client.recv()
            text = ""
            # A destination of changes begins with those after its first round.
            while "kith_destination_unread_changes{" not in text:
                text = service.http.get(f"http://127.0.0.1:{service.port}/metrics").text
    finally:
        service.stop()
    samples: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples.setdefault(sample.name, set()).update(sample.labels)
    assert 'kith_connections{type="websocket"} 1.0' in text
    return samples


def test_the_files_have_expressions() -> None:
    assert len(EXPRESSIONS) > 30
    assert len(set(re.findall(r"alert: (\w+)", ALERTS))) == ALERTS.count("- alert:") == ALERTS.count(" expr: ")


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_metric_and_label_in_an_expression_is_exposed(expression: str, exposed: Samples) -> None:
    names = NAME.findall(expression)
    assert names or "up{" in expression
    assert set(names) <= set(exposed)
    for name, labels in SELECTOR.findall(expression):
        used = set(re.findall(r"(\w+) ?(?:=|!=|=~|!~) ?\"", labels))
        assert used <= exposed.get(name, set()) | ADDED_BY_PROMETHEUS, expression
    for labels in re.findall(r"by \(([^)]*)\)", expression):
        known = set().union(*(exposed[name] for name in names)) | ADDED_BY_PROMETHEUS
        assert set(labels.split(", ")) <= known, expression


def test_every_exposed_metric_is_documented_and_every_documented_one_exposed(exposed: Samples) -> None:
    # given
    page = (FOLDER / "monitoring.md").read_text("utf-8")
    rows = re.findall(r"^\| (`(?:kith|http|db)_.*?) \|", page, re.MULTILINE)
    documented = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    # then
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in exposed}
    ours = {name for name in families if name.startswith(("kith_", "http_", "db_"))}
    assert ours - NOT_HERE == documented - NOT_HERE


def test_panels_do_not_overlap() -> None:
    places: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        grid = panel["gridPos"]
        covered = {
            (grid["x"] + x, grid["y"] + y) for x in range(grid["w"]) for y in range(grid["h"]) if grid["x"] + x < 24
        }
        assert len(covered) == grid["w"] * grid["h"], panel["title"]
        assert not covered & places, panel["title"]
        places |= covered
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
