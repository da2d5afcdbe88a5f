"""Objections over GraphQL: who refuses profiling is not profiled, through merges, splits, undos and other rules."""

import pytest

from tests.builders.clients import Client, seen
from tests.builders.operations import REVOKE, UNDO, decide, remove_override, set_override
from tests.builders.profiled import NOTHING, PREVIEW, SEGMENT_CHANGES, buy, create_segment, is_profiled, shown_of
from tests.builders.runs import Run
from tests.builders.stores import Fresh

ANN, ANN_CARD, BEN = "email=ann@example.com", "loyalty_card=777001", "email=ben@example.com"
MERGES = "{ changes(first: 100) { nodes { id kind } } }"


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    """A service with two customers that buy, and a segment of all buyers."""
    client = Client(fresh(), run)
    run(client.wiring.prepare())
    client.link(seen(ANN, ANN_CARD), seen(BEN, "crm_id=B1"))
    buy(client, ANN, name="ann")
    buy(client, BEN, name="ben")
    create_segment(client, run)
    return client


def object_(client: Client, key: str, at: str = "2026-03-01T00:00:00Z", **more: str) -> None:
    fields = {"decision": "WITHDRAWN", **more}
    assert decide(client, key, at=at, purpose="profiling", **fields)["__typename"] == "ObservationAccepted"


@pytest.mark.parametrize("decision", ["REFUSED", "WITHDRAWN"])
def test_who_refuses_profiling_is_not_profiled_and_still_served(client: Client, run: Run, decision: str) -> None:
    # given
    assert is_profiled(client, run, ANN)
    # when
    object_(client, ANN, decision=decision)
    # then: without waiting for anything
    shown = shown_of(client, ANN)
    assert {name: shown[name] for name in NOTHING} == NOTHING
    assert shown["withheld"] == [{"label": "PROFILING", "consent": "profiling", "reason": "OBJECTION"}]
    assert shown["metrics"] == {"orderCount": 3}
    assert len(shown["orders"]["nodes"]) == 3
    assert not shown["restricted"]
    # and: once segments are up to date, it has left them
    assert not is_profiled(client, run, ANN)
    kinds = [
        change["kind"]
        for change in client.ask(SEGMENT_CHANGES)["changes"]["nodes"]
        if change["customerId"] == shown["id"] and change["kind"].startswith("SEGMENT_")
    ]
    assert kinds == ["SEGMENT_ENTERED", "SEGMENT_EXITED"]
    # and: it is in no count of a preview
    preview = client.ask(PREVIEW)["previewSegment"]
    assert (preview["totalCustomers"], preview["evaluatedCustomers"], preview["matchingCustomers"]) == (1, 1, 1)
    assert is_profiled(client, run, BEN)


def test_a_later_consent_or_a_revocation_ends_an_objection(client: Client, run: Run) -> None:
    # given
    object_(client, ANN, id="no")
    assert not is_profiled(client, run, ANN)
    # when, then
    client.ask(REVOKE, {"o": [{"source": "shop", "id": "no"}]})
    assert is_profiled(client, run, ANN)
    # when, then
    object_(client, ANN)
    assert not is_profiled(client, run, ANN)
    object_(client, ANN, at="2026-03-02T00:00:00Z", decision="GIVEN")
    assert is_profiled(client, run, ANN)


def test_an_objection_holds_for_the_whole_customer_while_it_is_merged(client: Client, run: Run) -> None:
    # given
    object_(client, ANN)
    # when
    override = set_override(client, "keepTogether", ANN, BEN)["override"]["id"]
    # then
    assert shown_of(client, ANN)["id"] == shown_of(client, BEN)["id"]
    assert not is_profiled(client, run, BEN)
    # when: split
    remove_override(client, override)
    # then
    assert is_profiled(client, run, BEN)
    assert not is_profiled(client, run, ANN)


def test_undoing_a_merge_gives_profiling_back_to_the_part_without_the_objection(client: Client, run: Run) -> None:
    # given: a merge by evidence, whose objection arrives after it
    client.link(seen(ANN_CARD, "crm_id=B1"))
    assert is_profiled(client, run, ANN)
    object_(client, ANN)
    assert not is_profiled(client, run, BEN)
    # when
    merges = [change for change in client.ask(MERGES)["changes"]["nodes"] if change["kind"] == "CUSTOMERS_MERGED"]
    assert not client.ask(UNDO, {"input": {"changeId": merges[-1]["id"]}})["undoMerge"]["errors"]
    # then
    assert is_profiled(client, run, BEN)
    assert not is_profiled(client, run, ANN)


def test_an_objection_before_everything_else_has_the_same_effect(fresh: Fresh, run: Run) -> None:
    # given
    client = Client(fresh(), run)
    run(client.wiring.prepare())
    # when
    object_(client, BEN)
    buy(client, ANN, name="ann")
    create_segment(client, run)
    client.link(seen(ANN, ANN_CARD), seen(BEN, ANN_CARD))
    # then
    assert not is_profiled(client, run, ANN)


def test_other_rules_leave_an_objection_with_its_address(client: Client, run: Run) -> None:
    # given: one customer by a card, with an objection
    client.link(seen(ANN_CARD, BEN))
    object_(client, ANN)
    assert not is_profiled(client, run, BEN)
    # when: rules under which nobody has two email addresses
    newest = run(client.wiring.store.rules())[0]
    before, found, after = newest.text.partition('name = "email"')
    assert found
    run(client.graph.rules_control.apply(f"{before}{found}\nlimit = 1{_without_limit(after)}", newest.version))
    run(client.graph.rules_control.applied())
    # then
    assert shown_of(client, ANN)["id"] != shown_of(client, BEN)["id"]
    assert not is_profiled(client, run, ANN)
    assert is_profiled(client, run, BEN)


def _without_limit(text: str) -> str:
    namespace, separator, rest = text.partition("[[")
    return "\n".join(line for line in namespace.splitlines() if not line.startswith("limit")) + separator + rest


def test_a_refusal_of_another_purpose_or_for_one_channel_is_no_objection(client: Client, run: Run) -> None:
    # when
    decide(client, ANN, decision="REFUSED", at="2026-03-01T00:00:00Z", purpose="newsletter")
    object_(client, ANN, channel="EMAIL")
    # then
    assert is_profiled(client, run, ANN)
