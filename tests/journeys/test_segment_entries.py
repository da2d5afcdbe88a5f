"""Who enters or exits a segment is named with its addresses, as far as the reader of the feed may see them."""

from pathlib import Path
from typing import Any

import pytest

from graph.commands.segments import MAX_KEYS
from graph.ports import Store
from tests.builders.clients import identifiers, seen
from tests.builders.erasing import by, erase
from tests.builders.operations import UNDO, set_override
from tests.builders.restrictions import EVERYBODY_ELSE, restricted
from tests.builders.retention import SettableClock, expire
from tests.builders.runs import Run
from tests.builders.safeguards import ListSafeguards
from tests.builders.stores import Fresh
from tests.builders.verifications import verified
from tests.builders.viewers import ViewerClient, viewer

ANN, CARD, COOKIE, CRM = "email=ann@canary.example", "loyalty_card=777001", "cookie=ck-1", "crm_id=C-1"
BEN = "email=ben@example.com"
CREATE = """mutation($r: SegmentRuleInput!, $n: String!) {
  createSegment(input: {name: $n, rule: $r}) { segment { id } errors { code } } }"""
ENTRIES = """{ changes(first: 100) { nodes { kind customerId reason identifiers { namespace value }
  cause { segmentId } } } }"""
BUYERS: dict[str, Any] = {"hasNamespace": "email"}


@pytest.fixture
def store(fresh: Fresh) -> Store:
    return fresh()


@pytest.fixture
def client(store: Store, run: Run) -> ViewerClient:
    client = ViewerClient(store, run, safeguards=ListSafeguards())
    run(client.wiring.prepare())
    return client


def create(client: ViewerClient, name: str = "With email", rule: dict[str, Any] = BUYERS) -> str:
    id = client.ask(CREATE, {"n": name, "r": rule})["createSegment"]["segment"]["id"]
    catch_up(client)
    return str(id)


def catch_up(client: ViewerClient) -> None:
    client._run(client.graph.segment_worker.catch_up())


def entries(data: dict[str, Any]) -> list[tuple[str, list[dict[str, str]]]]:
    """The kinds and the identifiers of entries about segments."""
    nodes = data["changes"]["nodes"]
    return [(node["kind"], node["identifiers"]) for node in nodes if node["kind"].startswith("SEGMENT")]


def test_an_entry_names_the_addresses_of_channels_and_known_identifiers(client: ViewerClient) -> None:
    # given
    client.link(seen(CRM, ANN, CARD, COOKIE, "phone=+380501234567", "ip=203.0.113.7"))
    # when
    create(client)
    set_override(client, "blockIdentifier", CARD, actor="sue")
    create(client, "Known", {"hasNamespace": "crm_id"})
    # then
    first, second = entries(client.ask(ENTRIES))
    assert first == ("SEGMENT_ENTERED", identifiers(CRM, CARD, ANN, "phone=+380501234567", COOKIE))
    assert second == ("SEGMENT_ENTERED", identifiers(CRM, ANN, "phone=+380501234567", COOKIE))


def test_an_entry_names_a_limited_number_of_identifiers(client: ViewerClient) -> None:
    # given
    cookies = [f"cookie=ck-{number:03}" for number in range(MAX_KEYS + 20)]
    for start in range(0, len(cookies), 15):
        client.link(seen(ANN, *cookies[start : start + 15]))
    # when
    create(client)
    # then: the strongest
    ((_, named),) = entries(client.ask(ENTRIES))
    assert named == identifiers(ANN, *cookies[: MAX_KEYS - 1])


def test_readers_see_what_their_rights_allow(client: ViewerClient) -> None:
    # given
    client.link(seen(CRM, ANN))
    create(client)
    # when, then
    assert entries(client.seen_by(viewer("privacy"), ENTRIES)) == [("SEGMENT_ENTERED", identifiers(CRM, ANN))]
    (of_steward,) = entries(client.seen_by(viewer("steward"), ENTRIES))
    assert "ann@canary" not in str(of_steward)
    assert "C-1" not in str(of_steward)
    body = client.as_(viewer("feed"), ENTRIES).json()
    assert body["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    # and: a service of an own role that activates segments
    activation = viewer("feed", "history:read", "contact:read", "membership:read")
    assert entries(client.seen_by(activation, ENTRIES)) == [("SEGMENT_ENTERED", identifiers(CRM, ANN))]


def test_the_exit_of_a_restricted_customer_names_no_addresses_to_others(client: ViewerClient) -> None:
    # given
    client.link(seen(CRM, ANN))
    segment = create(client)
    # when
    restricted(client, ANN)
    catch_up(client)
    # then
    assert entries(client.ask(ENTRIES))[-1] == ("SEGMENT_EXITED", identifiers(CRM, ANN))
    of_others = client.seen_by(EVERYBODY_ELSE, ENTRIES)
    assert entries(of_others) == [("SEGMENT_ENTERED", []), ("SEGMENT_EXITED", [])]
    assert of_others["changes"]["nodes"][-1]["cause"]["segmentId"] == segment


def test_what_is_erased_is_named_no_longer(client: ViewerClient, store: Store, run: Run) -> None:
    # given
    client.link(seen(CRM, ANN), seen("crm_id=B-1", BEN))
    create(client)
    # when
    erase(client, by=by(ANN))
    # then: the segment stays, and so do those who are not erased
    found = entries(client.ask(ENTRIES))
    assert sorted(found, key=str) == [
        ("SEGMENT_ENTERED", []),
        ("SEGMENT_ENTERED", identifiers("crm_id=B-1", BEN)),
        ("SEGMENT_EXITED", []),
    ]
    reasons = {node["reason"] for node in client.ask(ENTRIES)["changes"]["nodes"] if "SEGMENT" in node["kind"]}
    assert reasons == {"With email"}
    assert "ann@canary" not in str(run(store.changes(0, 100)))
    assert verified(store, run).clean


def test_what_has_expired_is_named_no_longer(store: Store, run: Run, tmp_path: Path) -> None:
    # given
    path = tmp_path / "retention.toml"
    path.write_text('[[retention]]\nnamespace = "email"\ndays = 30\nreason = "no newsletter any longer"\n')
    clock = SettableClock("2026-01-02T00:00:00Z")
    client = ViewerClient(store, run, clock=clock, retention=str(path))
    run(client.wiring.prepare())
    client.link(seen(CRM, ANN, at="2026-01-01T00:00:00Z"))
    create(client)
    # when
    clock.add(days=60)
    expire(client)
    catch_up(client)
    # then
    assert entries(client.ask(ENTRIES)) == [("SEGMENT_ENTERED", identifiers(CRM)), ("SEGMENT_EXITED", identifiers(CRM))]


def test_a_merge_is_no_exit_and_its_undoing_an_entry_of_the_part_that_left(client: ViewerClient) -> None:
    # given: two members
    client.link(seen(CRM, ANN, at="2026-01-01T00:00:00Z"), seen(CARD, BEN, at="2026-01-02T00:00:00Z"))
    create(client)
    # when
    client.link(seen(CRM, CARD, at="2026-01-03T00:00:00Z"))
    catch_up(client)
    # then
    survivor = client.customer(BEN)["id"]
    assert client.customer(ANN)["id"] == survivor
    assert [kind for kind, _ in entries(client.ask(ENTRIES))] == ["SEGMENT_ENTERED", "SEGMENT_ENTERED"]
    # when
    (merge,) = (
        node["id"]
        for node in client.ask("{ changes(first: 100) { nodes { id kind } } }")["changes"]["nodes"]
        if node["kind"] == "CUSTOMERS_MERGED"
    )
    assert client.ask(UNDO, {"input": {"changeId": merge, "actor": "sue"}})["undoMerge"]["errors"] == []
    catch_up(client)
    # then: one more entry, of the part that left
    ids = {client.customer(key)["id"] for key in (ANN, BEN)}
    assert len(ids) == 2
    *_, last = (node for node in client.ask(ENTRIES)["changes"]["nodes"] if node["kind"].startswith("SEGMENT"))
    assert (last["kind"], {last["customerId"]}) == ("SEGMENT_ENTERED", ids - {survivor})
    assert len(entries(client.ask(ENTRIES))) == 3
