"""Restrictions over GraphQL: a restricted customer is stored, and shown to nobody but privacy officers."""

import asyncio
from contextlib import aclosing
from typing import Any

import orjson
import pytest

from graph.domain.access.viewer import Viewer
from graph.domain.model.observations import Observation
from graph.domain.profile.insights import ORDERS
from graph.domain.profile.pages import ByKey, Selection
from graph.viewer_graph import ViewerGraph
from tests.builders.clients import identifiers, order, seen
from tests.builders.operations import UNDO, decide, interaction, record, remove_override, set_override, state
from tests.builders.profiled import PREVIEW, buy, create_segment, is_profiled, shown_of
from tests.builders.restrictions import EVERYBODY_ELSE, lift, restrict, restricted
from tests.builders.runs import Run
from tests.builders.stores import Fresh
from tests.builders.viewers import ViewerClient, viewer

ANN, CARD, BEN = "email=ann@canary.example", "loyalty_card=777001", "email=ben@example.com"
CANARIES = ("ann@canary.example", "777001", "ann-1", "Canary", "canary-text", "C-4711")
VIEW = """id requestedId restricted known emails { value } loyaltyCards { value } devices { value }
  identifiers(first: 50) { nodes { value } } orders { nodes { number } } profile { givenName { value } }
  consents { identifier { value } } consent(purpose: "newsletter") { decision } metrics { orderCount }
  externalSegments { segment } segments { segment { name } } rfm { group } prediction { weeks } journey { stage }
  engagement { churnRisk interactionCounts { type } } favorites { brands { name } } viewedNotPurchased { sku }
  timeline(first: 50) { nodes { __typename } } links { nodes { a { value } b { value } } }
  possibleMatches { nodes { link { a { value } b { value } } customerIds } }
  history { nodes { kind summary identifiers { value } } } weakestLinks { a { value } }"""
BY = f"query($by: CustomerBy!) {{ customer(by: $by) {{ {VIEW} }} }}"
BATCH = f"query($by: [IdentifierInput!]!) {{ customers(by: $by) {{ {VIEW} }} }}"
NODE = f"query($id: ID!) {{ node(id: $id) {{ ... on Customer {{ {VIEW} }} }} }}"
AT = """query($by: CustomerBy!, $at: DateTime!) { customer(by: $by, at: $at) { id restricted identifiers {
  nodes { value } } } }"""
ELSEWHERE = """query($ann: IdentifierInput!) {
  a: searchCustomers(text: "Canary") { nodes { matches { value } } }
  b: searchCustomers(text: "ann@canary.example") { nodes { matches { value } } }
  changes(first: 100) { nodes { kind customerId summary reason identifiers { value } cause { observationId } } }
  overrides { nodes { a { value } b { value } reason } } order(number: "ann-1") { number total }
  consent(identifier: $ann, purpose: "newsletter") { decision }
  graphHealth { nodes { message identifier { value } } } }"""
WHY = """query($a: IdentifierInput!, $b: IdentifierInput!) { why(a: $a, b: $b) { summary } }"""
BARE = {
    "requestedId": None, "restricted": True, "known": False, "emails": [], "loyaltyCards": [], "devices": [],
    "identifiers": {"nodes": []}, "orders": {"nodes": []}, "profile": {"givenName": None}, "consents": [],
    "consent": {"decision": "NONE"}, "metrics": {"orderCount": 0}, "externalSegments": [], "segments": [], "rfm": None,
    "prediction": None, "journey": None, "engagement": {"churnRisk": "LOW", "interactionCounts": []},
    "favorites": {"brands": []}, "viewedNotPurchased": [], "timeline": {"nodes": []}, "links": {"nodes": []},
    "possibleMatches": {"nodes": []}, "history": {"nodes": []}, "weakestLinks": [],
}  # fmt: skip
"""A restricted customer without its id."""


@pytest.fixture
def client(fresh: Fresh, run: Run) -> ViewerClient:
    """A service with two customers, of whom one has every kind of data, and a segment of all buyers."""
    client = ViewerClient(fresh(), run)
    run(client.wiring.prepare())
    client.link(seen(ANN, CARD, "crm_id=C-4711"), seen(BEN, "crm_id=B1"), seen(ANN, BEN, confidence=0.4))
    buy(client, ANN, name="ann")
    buy(client, BEN, name="ben")
    state(client, ANN, givenName="Canary")
    decide(client, ANN, decision="GIVEN", at="2026-02-01T00:00:00Z")
    record(client, interaction("note", ANN, at="2026-02-01T00:00:00Z", text="canary-text"))
    set_override(client, "keepApart", ANN, BEN, actor="sue", reason="canary-text")
    create_segment(client, run)
    return client


def by(key: str) -> dict[str, Any]:
    return {"by": {"identifier": identifiers(key)[0]}}


def everything(client: ViewerClient, as_: Viewer) -> str:
    """All that a viewer is shown about Ann: asked for by everything that leads to her, and elsewhere."""
    id = client.customer(ANN)["id"]
    answers = [
        client.seen_by(as_, BY, {"by": {"id": id}}),
        *(client.seen_by(as_, BY, by(key)) for key in (ANN, CARD, BEN, "crm_id=C-4711", "order=ann-1")),
        client.seen_by(as_, BATCH, {"by": identifiers(ANN, BEN)}),
        client.seen_by(as_, NODE, {"id": id}),
        client.seen_by(as_, AT, {"by": {"id": id}, "at": "2100-01-01T00:00:00Z"}),
        client.seen_by(as_, ELSEWHERE, {"ann": identifiers(ANN)[0]}),
    ]
    return orjson.dumps(answers).decode()


def test_a_restricted_customer_shows_its_id_and_nothing_else(client: ViewerClient) -> None:
    # given
    before = everything(client, EVERYBODY_ELSE)
    assert [canary for canary in CANARIES if canary not in before] == []
    # when
    restricted(client, ANN)
    # then
    shown = everything(client, EVERYBODY_ELSE)
    assert [canary for canary in CANARIES if canary in shown] == []
    id = client.customer(ANN)["id"]
    assert client.seen_by(EVERYBODY_ELSE, BY, by(CARD))["customer"] == {"id": id, **BARE}
    # and: other customers are shown as before, and privacy officers everything
    assert "ben@example.com" in shown
    to_officers = everything(client, viewer("privacy", "segment:write"))
    assert [canary for canary in CANARIES if canary not in to_officers] == []


@pytest.mark.parametrize("role", ["till", "desk", "steward", "partner", "feed", "storefront"])
def test_each_role_learns_that_a_restricted_customer_exists(client: ViewerClient, role: str) -> None:
    # given
    restricted(client, ANN)
    subject = {"subject": ANN} if role == "storefront" else {}
    sources = {"sources": frozenset({"web"})} if role == "partner" else {}
    as_ = viewer(role, "customer:look-up", **subject, **sources)
    reference = {"by": {"id": client.customer(ANN)["id"]}} if role == "feed" else by(ANN)
    # when
    customer = client.seen_by(as_, "query($by: CustomerBy!) { customer(by: $by) { id restricted known } }", reference)
    # then
    assert customer["customer"]["id"].startswith("cus_") or role == "storefront"
    assert customer["customer"]["restricted"] is True
    assert customer["customer"]["known"] is False


def test_who_reads_the_feed_learns_of_the_restriction_and_of_left_segments(client: ViewerClient, run: Run) -> None:
    # given
    id = client.customer(ANN)["id"]
    restriction = restricted(client, ANN)
    run(client.graph.segment_worker.catch_up())
    lift(client, restriction)
    run(client.graph.segment_worker.catch_up())
    restricted(client, ANN)
    # when
    changes = client.seen_by(
        viewer("feed"), "{ changes(first: 100) { nodes { kind customerId cause { segmentId } } } }"
    )
    # then
    of_ann = [change for change in changes["changes"]["nodes"] if change["customerId"] == id]
    kinds = [change["kind"] for change in of_ann if change["kind"].startswith(("SEGMENT", "RESTRICT"))]
    assert kinds == [
        "SEGMENT_ENTERED", "RESTRICTED", "SEGMENT_EXITED", "RESTRICTION_LIFTED", "SEGMENT_ENTERED", "RESTRICTED",
    ]  # fmt: skip
    (exited,) = (change for change in of_ann if change["kind"] == "SEGMENT_EXITED")
    assert exited["cause"]["segmentId"]


def test_nothing_is_calculated_of_a_restricted_customer_for_anybody(client: ViewerClient, run: Run) -> None:
    # given
    assert is_profiled(client, run, ANN)
    # when
    restriction = restricted(client, ANN)
    # then
    assert not is_profiled(client, run, ANN)
    assert is_profiled(client, run, BEN)
    preview = client.ask(PREVIEW)["previewSegment"]
    assert (preview["totalCustomers"], preview["matchingCustomers"]) == (1, 1)
    assert client.ask("mutation { recalculateRfm { customerCount } }")["recalculateRfm"] == {"customerCount": 1}
    # when, then
    lift(client, restriction)
    assert is_profiled(client, run, ANN)


def test_who_follows_a_customer_is_told_of_the_restriction_and_of_nothing_after_it(
    client: ViewerClient, run: Run
) -> None:
    # given
    async def follow() -> list[tuple[bool, int]]:
        graph = ViewerGraph(client.graph, EVERYBODY_ELSE)
        shown: list[tuple[bool, int]] = []
        async with aclosing(graph.customer_changes(ByKey(ANN), Selection.of([ORDERS]))) as views:
            async for view in views:
                assert view is not None
                shown.append((view.restricted, len(view.pages[ORDERS].items)))
                if len(shown) == 1:
                    # when: restricted, then written about, then free again
                    result = await client.graph.restrictions.restrict(ByKey(ANN), "pia", "disputed")
                elif len(shown) == 2:
                    await client.graph.link([_seen(ANN, f"cookie=ck-{number}") for number in range(3)])
                    await client.graph.restrictions.lift(result.restriction.id, "pia", "settled")
                else:
                    return shown
        raise AssertionError("the stream has ended")

    # then
    assert run(asyncio.wait_for(follow(), 60)) == [(False, 3), (True, 0), (False, 3)]


def _seen(*keys: str) -> Observation:
    return Observation("web", tuple((key.partition("=")[0], key.partition("=")[2]) for key in keys))


def test_data_about_a_restricted_customer_is_stored(client: ViewerClient) -> None:
    # given
    restriction = restricted(client, ANN)
    # when
    client.record(order("late-1", ANN))
    client.link(seen(ANN, "phone=+49 30 5550101"))
    # then
    assert client.seen_by(EVERYBODY_ELSE, BY, by("phone=+49 30 5550101"))["customer"]["restricted"] is True
    lift(client, restriction)
    numbers = [node["number"] for node in client.seen_by(EVERYBODY_ELSE, BY, by(ANN))["customer"]["orders"]["nodes"]]
    assert "late-1" in numbers


def test_a_merge_inherits_a_restriction_and_a_split_keeps_it_with_its_identifiers(client: ViewerClient) -> None:
    # given: the override that keeps them apart is removed
    (apart,) = client.ask("{ overrides { nodes { id } } }")["overrides"]["nodes"]
    remove_override(client, apart["id"])
    restricted(client, ANN)
    # when
    together = set_override(client, "keepTogether", ANN, BEN)["override"]["id"]
    # then
    assert is_restricted(client, BEN)
    # when, then
    remove_override(client, together)
    assert not is_restricted(client, BEN)
    assert is_restricted(client, ANN)


def test_both_parts_of_a_split_are_restricted(client: ViewerClient) -> None:
    # given
    client.link(seen("login=cat", "phone=+49 30 5550102"))
    restricted(client, "login=cat")
    # when
    set_override(client, "keepApart", "login=cat", "phone=+49 30 5550102")
    # then
    assert client.customer("login=cat") != client.customer("phone=+49 30 5550102")
    assert is_restricted(client, "login=cat")
    assert is_restricted(client, "phone=+49 30 5550102")


def test_undoing_a_merge_frees_the_part_that_was_not_restricted(client: ViewerClient) -> None:
    # given
    restricted(client, CARD)
    (apart,) = client.ask("{ overrides { nodes { id } } }")["overrides"]["nodes"]
    remove_override(client, apart["id"])
    client.link(seen("email=eve@example.com", "login=eve"))
    client.link(seen("email=eve@example.com", CARD))
    assert is_restricted(client, "login=eve")
    # when
    merges = list(client.ask("{ changes(first: 100) { nodes { id kind } } }")["changes"]["nodes"])
    merged = [change for change in merges if change["kind"] == "CUSTOMERS_MERGED"][-1]
    payload = client.ask(UNDO, {"input": {"changeId": merged["id"]}})["undoMerge"]
    # then
    assert payload["errors"] == []
    assert not is_restricted(client, "login=eve")
    assert is_restricted(client, CARD)


def test_other_rules_keep_a_restriction_also_where_they_make_other_identifiers(client: ViewerClient, run: Run) -> None:
    # given: a customer of one identifier, whose value other rules read differently
    client.link(seen("email=fay.lee@gmail.com"))
    restricted(client, "email=fay.lee@gmail.com")
    # when: dots in addresses of Gmail count no longer
    newest = run(client.wiring.store.rules())[0]
    text = newest.text.replace('normalize = ["lower", "email"]', 'normalize = ["lower", "email", "gmail"]')
    assert text != newest.text
    run(client.graph.rules_control.apply(text, newest.version))
    run(client.graph.rules_control.applied())
    # then
    assert client.keys_of("email=fay.lee@gmail.com") == ["email=faylee@gmail.com"]
    assert is_restricted(client, "email=faylee@gmail.com")
    assert not is_restricted(client, BEN)


def is_restricted(client: ViewerClient, key: str) -> bool:
    return shown_of(client, key)["restricted"]


def test_restrictions_are_set_once_listed_and_lifted(client: ViewerClient) -> None:
    # when
    first = restrict(client, ANN, idempotencyKey="k1", actor="pia")
    again = restrict(client, CARD)
    repeated = restrict(client, ANN, idempotencyKey="k1", actor="pia")
    # then
    assert first["created"] is True
    assert (again["created"], repeated["created"]) == (False, False)
    assert first["restriction"] == again["restriction"] == repeated["restriction"]
    assert first["restriction"]["actor"] == "pia"
    assert {"namespace": "loyalty_card", "value": "777001"} in first["restriction"]["identifiers"]
    assert restrict(client, BEN, idempotencyKey="k1")["errors"][0]["code"] == "ID_CONFLICT"
    # when: lifted, and the first request is sent again
    lifted = lift(client, first["restriction"]["id"])
    assert lift(client, first["restriction"]["id"])["restriction"] == lifted["restriction"]
    assert restrict(client, ANN, idempotencyKey="k1", actor="pia")["restriction"] == lifted["restriction"]
    # then
    assert lifted["restriction"]["identifiers"] == []
    assert lifted["restriction"]["liftedAt"] is not None
    assert not is_restricted(client, ANN)
    listed = "query($by: CustomerBy, $all: Boolean!) { restrictions(by: $by, includeLifted: $all) { nodes { id } } }"
    assert client.ask(listed, {"all": False})["restrictions"]["nodes"] == []
    assert client.ask(listed, {"all": True, **by(ANN)})["restrictions"]["nodes"] == [{"id": first["restriction"]["id"]}]
    assert client.ask(listed, {"all": True, **by(BEN)})["restrictions"]["nodes"] == []


def test_a_customer_is_restricted_until_all_of_its_restrictions_are_lifted(client: ViewerClient) -> None:
    # given
    (apart,) = client.ask("{ overrides { nodes { id } } }")["overrides"]["nodes"]
    of_ann, of_ben = restricted(client, ANN), restricted(client, BEN)
    remove_override(client, apart["id"])
    together = set_override(client, "keepTogether", ANN, BEN)["override"]["id"]
    # when, then
    lift(client, of_ann)
    assert is_restricted(client, ANN)
    remove_override(client, together)
    assert not is_restricted(client, ANN)
    lift(client, of_ben)
    assert not is_restricted(client, BEN)


@pytest.mark.parametrize(
    ("input", "code", "path"),
    [
        ({"by": {"id": "cus_unknown"}, "reason": "x"}, "CUSTOMER_NOT_FOUND", ["by"]),
        ({**by("email=nobody@unknown.example"), "reason": "x"}, "CUSTOMER_NOT_FOUND", ["by"]),
        ({**by("nothing=1"), "reason": "x"}, "UNKNOWN_NAMESPACE", ["by", "identifier", "namespace"]),
        ({**by(ANN), "reason": " "}, "INVALID_LENGTH", ["reason"]),
        ({**by(ANN), "reason": "x" * 1001}, "INVALID_LENGTH", ["reason"]),
        ({**by(ANN), "reason": "x", "idempotencyKey": ""}, "INVALID_LENGTH", ["idempotencyKey"]),
    ],
)
def test_what_cannot_be_restricted_has_a_problem(
    client: ViewerClient, input: dict[str, Any], code: str, path: list[str]
) -> None:
    # when
    mutation = "mutation($i: RestrictSubjectInput!) { restrictSubject(input: $i) { errors { code path } } }"
    payload = client.ask(mutation, {"i": input})["restrictSubject"]
    # then
    assert payload["errors"] == [{"code": code, "path": path}]
    assert lift(client, "rst_unknown")["errors"][0]["code"] == "RESTRICTION_NOT_FOUND"


def test_an_identifier_of_many_people_cannot_be_restricted(client: ViewerClient) -> None:
    # given
    set_override(client, "blockIdentifier", "device=kiosk-1", actor="sue")
    client.link(seen("device=kiosk-1"))
    # when
    payload = restrict(client, "device=kiosk-1")
    # then
    assert payload["errors"][0]["code"] == "NOTHING_TO_RESTRICT"


def test_a_steward_is_told_that_a_pair_is_restricted(client: ViewerClient) -> None:
    # given
    restricted(client, ANN)
    # when
    response = client.as_(viewer("steward"), WHY, dict(zip("ab", identifiers(ANN, BEN), strict=True)))
    # then
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == "CUSTOMER_RESTRICTED"


def test_the_tablet_of_a_family_is_not_restricted_with_one_of_them(client: ViewerClient) -> None:
    # given Ben used it too, and uses it again afterwards
    client.link(seen("login=ben", BEN, at="2026-01-01T00:00:00Z", id="f1", source="shop"))
    client.link(seen("login=ben", "device=tablet", at="2026-01-02T00:00:00Z", id="f2", source="shop"))
    client.link(seen("login=ann", ANN, at="2026-01-01T00:00:00Z", id="f3", source="shop"))
    client.link(seen("login=ann", "device=tablet", at="2026-01-03T00:00:00Z", id="f4", source="shop"))
    # when
    restrict(client, "login=ann")
    client.link(seen("login=ben", "device=tablet", at="2026-01-04T00:00:00Z", id="f5", source="shop"))
    # then
    assert client.customer("device=tablet", "restricted emails { value }")["restricted"] is False
    assert client.customer("login=ann", "restricted")["restricted"] is True
