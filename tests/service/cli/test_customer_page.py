"""The page of `kith lookup`: profile, consent, interactions, scores and segments."""

import io
from pathlib import Path

from rich.console import Console

from graph.domain.profile.pages import ByKey
from graph.domain.profile.prediction import Model
from graph.stores.sqlite import SQLiteStore
from graph.viewer_graph import ViewerGraph
from service.access.authentication import LOCAL
from service.cli.customer_page import print_customer, selection
from tests.builders.clients import Client, order
from tests.builders.operations import decide, interaction, record, state
from tests.builders.restrictions import restricted
from tests.builders.runs import Run


def test_it_shows_profile_consent_and_recent_interactions(tmp_path: Path, run: Run) -> None:
    # given
    store = SQLiteStore(tmp_path / "kith.db")
    run(store.migrate())
    client = Client(store, run)
    state(client, "email=ann@example.com", givenName="Ann", address={"city": "Bonn", "postalCode": "53111"})
    state(client, "email=ann@example.com", source="shop", at="2025-01-01T00:00:00Z", givenName="Anna")
    decide(client, "email=ann@example.com", decision="GIVEN", at="2026-01-01T00:00:00Z")
    decide(client, "email=ann@example.com", decision="WITHDRAWN", at="2026-02-01T00:00:00Z")
    record(
        client,
        interaction(
            "chat", "email=ann@example.com", at="2026-01-01T10:00:00Z", channel="web", text="Where is it? " * 9
        ),
    )
    # when
    console = Console(record=True, width=160, file=io.StringIO())
    graph = ViewerGraph(client.graph, LOCAL)
    (view,) = run(graph.customers([ByKey("email=ann@example.com")], selection(graph)))
    run(print_customer(console, graph, view))
    # then
    text = console.export_text()
    for words in ("given_name", "Ann", "Anna", "53111, Bonn", "withdrawn", "chat", "Where is it?"):
        assert words in text
    assert "GIVEN" not in text.upper().replace("GIVEN_NAME", "")
    run(store.close())


def test_it_shows_scores_predictions_and_segments(tmp_path: Path, run: Run) -> None:
    # given
    store = SQLiteStore(tmp_path / "kith.db")
    run(store.migrate())
    client = Client(store, run)
    client.record(*(order(f"W-{n}", "email=ann@example.com", placedAt=f"2026-0{n}-01T00:00:00Z") for n in (1, 2, 3)))
    run(client.graph.statistics.recalculate())
    run(store.put_value("model", Model(7, 99, 0.243, 4.414, 0.793, 2.426, {"EUR": (6.25, 3.74, 15.44)}).as_text()))
    run(client.graph.statistics.refresh())
    run(client.graph.segments.create("Often", {"metric": {"name": "ORDER_COUNT", "min": 3}}, "tester"))
    # when
    text = _page(client, run)
    # then
    for words in ("lost: recency 1, frequency 1, monetary 1 of 5", "within 52 weeks", "EUR", "segments: Often"):
        assert words in text, text
    # when: a customer that objects to profiling, or is restricted, has no scores
    decide(client, "email=ann@example.com", decision="REFUSED", at="2026-03-01T00:00:00Z", purpose="profiling")
    restricted(client, "email=ann@example.com")
    text = _page(client, run)
    # then
    assert "known, restricted" in text
    assert "3 orders" in text
    assert not [words for words in ("recency", "within 52 weeks", "segments") if words in text]
    run(store.close())


def _page(client: Client, run: Run) -> str:
    """The page of a customer as it is printed."""
    console = Console(record=True, width=160, file=io.StringIO())
    (view,) = run(client.graph.customers([ByKey("email=ann@example.com")], selection(client.graph)))
    run(print_customer(console, client.graph, view))
    return console.export_text()
