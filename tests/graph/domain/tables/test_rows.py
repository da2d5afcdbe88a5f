"""Rows of tables: what a viewer is shown, which consents are in effect, and what a restriction and a policy leave."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from graph.domain.access.policies import Policies, Policy
from graph.domain.access.scopes import BEHAVIOR_TEXT, MEMBERSHIP_READ
from graph.domain.access.viewer import Viewer
from graph.domain.model.changes import Cause, CauseType, Change, ChangeKind, Entry
from graph.domain.model.facts import Fact
from graph.domain.model.labels import Label
from graph.domain.model.links import Link, LinkReason, LinkReasonCode, LinkState
from graph.domain.model.observations import Evidence, EvidenceTier, Party
from graph.domain.model.orders import Order, OrderLine
from graph.domain.model.segments import Membership, Segment
from graph.domain.model.stored_records import StoredCustomer, StoredIdentifier
from graph.domain.profile.catalog import Catalog
from graph.domain.tables import columns
from graph.domain.tables.columns import Table
from graph.domain.tables.rows import Row, StatedFact, TableRows, shows_segment
from service.config import rules_file
from tests.builders.viewers import viewer

RULES = rules_file.parse(rules_file.default_text())
ANN, COOKIE = "email=ann@example.com", "cookie=ck-4711-abcdef"
EVERYTHING, STEWARD = viewer("privacy"), viewer("steward")


def rows(by: Viewer = EVERYTHING, *policies: Policy) -> TableRows:
    chosen = Policies(policies).for_purpose("marketing")
    return TableRows(by, RULES, Catalog(), chosen, lambda what, text: f"{what} {text}")


def named(table: Table, row: Row) -> Mapping[str, Any]:
    assert len(row) == len(table.columns)
    return dict(zip((column.name for column in table.columns), row, strict=True))


def customer(**values: Any) -> StoredCustomer:
    defaults: dict[str, Any] = {
        "id": "cus_1", "created_at": 5, "anchor": (ANN, 1), "version": 1, "counts": {"email": 1, "cookie": 2},
        "suspended": 0, "override_count": 0, "order_totals": {}, "retired_at": None, "redirects_to": None,
        "value_sets": {}, "due_at": 0,
    }  # fmt: skip
    return StoredCustomer(**(defaults | values))


def identifier(key: str) -> StoredIdentifier:
    return StoredIdentifier(key, "cus_1", Evidence(1, 2, ("crm", "web"), 3), {}, False, True, 0, None, {}, {})


def consent(decision: str, at: int, channel: str = "", source: str = "shop", method: str = "") -> StatedFact:
    facts = json.dumps(["newsletter", channel, decision, ""])
    return StatedFact(Fact(ANN, at, source, f"{decision} {at}", Party.FIRST_PARTY, facts), at + 1, method)


def interaction(**values: Any) -> StatedFact:
    facts = json.dumps({"type": "note", **values})
    return StatedFact(Fact(ANN, 7, "desk", "1", Party.SECOND_PARTY, facts), 9)


def test_a_customer_is_known_by_the_namespaces_of_the_rules() -> None:
    known = named(columns.CUSTOMERS, rows().customer(customer(), restricted=False))
    assert (known["known"], known["identifier_count"]) == (True, 3)
    assert known["identifiers_by_namespace"] == '{"cookie":2,"email":1}'
    unknown = customer(counts={"cookie": 2, "email": 0})
    assert named(columns.CUSTOMERS, rows().customer(unknown, restricted=False))["known"] is False


def test_a_restricted_customer_is_an_id() -> None:
    row = rows().customer(customer(), restricted=True)
    assert row == ("cus_1", None, None, None, None, None, None, True)


def test_an_identifier_is_masked_for_those_who_may_not_read_it() -> None:
    # when
    whole = named(columns.IDENTIFIERS, rows().identifier(identifier(ANN), rows().shown_of_all))
    steward = rows(STEWARD)
    masked = named(columns.IDENTIFIERS, steward.identifier(identifier(ANN), steward.shown_of_all))
    # then: the key of the row is the same, so both can be compared
    assert (whole["value"], whole["sources"], whole["blocked"]) == ("ann@example.com", ("crm", "web"), True)
    assert masked == {**whole, "value": "a•••@e•••.com"}
    assert type(masked["value"]) is str


def test_an_identifier_without_evidence_has_no_times() -> None:
    stored = StoredIdentifier(ANN, "cus_1", None, {}, True, False, 1, None, {}, {})
    row = named(columns.IDENTIFIERS, rows().identifier(stored, rows().shown_of_all))
    assert [row[name] for name in ("first_seen_at", "last_seen_at", "observation_count", "sources")] == [
        None,
        None,
        0,
        (),
    ]


def test_a_link_names_the_customers_of_both_ends() -> None:
    # given
    reason = LinkReason(LinkReasonCode.LIMIT, "")
    link = Link(COOKIE, ANN, EvidenceTier.PROBABILISTIC, None, None, 2, ("web",), 0.5, LinkState.SUSPENDED, reason)
    shown = rows(STEWARD).shown_of_all
    # when
    row = named(columns.LINKS, rows(STEWARD).link(link, ("cus_1", ""), (shown, shown)))
    # then
    assert (row["identifier_a_value"], row["customer_a_id"], row["customer_b_id"]) == ("ck•••ef", "cus_1", None)
    assert (row["state"], row["reason_code"], row["tier"], row["confidence"]) == (
        "SUSPENDED",
        "LIMIT",
        "PROBABILISTIC",
        0.5,
    )
    assert row["identifier_a_id"] == f"identifier {COOKIE}"


def test_an_order_has_lines_with_positions() -> None:
    # given
    lines = (OrderLine("S-1", Decimal(1), Decimal("9.90"), "Shoe"), OrderLine("RETURN", Decimal(-1), Decimal("-1.10")))
    order = Order("W-1", "shop", 5, 6, "EUR", Decimal("8.80"), lines=lines, refunded=Decimal("1.10"))
    # when
    row = named(columns.ORDERS, rows().order("order=W-1", order, "cus_1"))
    first, second = (named(columns.ORDER_LINES, line) for line in rows().order_lines("order=W-1", order, "cus_1"))
    # then
    assert (row["total"], row["refunded"], row["line_count"]) == (Decimal("8.80"), Decimal("1.10"), 2)
    assert (first["order_line_id"], first["order_id"]) == (f"{row['order_id']}:1", row["order_id"])
    assert (second["position"], second["name"], second["total"]) == (2, None, Decimal("-1.10"))


def test_texts_of_interactions_are_masked_and_need_a_scope() -> None:
    # given: who may read texts and no addresses, and who may read no texts
    stated = interaction(text="write to bob@example.com", properties={"phone": "+49 30 5550101"}, channel="store")
    partly = viewer("steward", BEHAVIOR_TEXT)
    # when
    masked = named(columns.INTERACTIONS, rows(partly).interaction(stated, "cus_1", rows(partly).shown_of_all))
    without = rows(STEWARD).permitted(
        columns.INTERACTIONS, rows(STEWARD).interaction(stated, "cus_1", rows(STEWARD).shown_of_all)
    )
    # then
    assert (masked["text"], masked["properties"]) == ("write to b•••@e•••.com", '{"phone":"•••01"}')
    assert (masked["party"], masked["recorded_at"], masked["device"]) == ("SECOND_PARTY", 9, None)
    assert named(columns.INTERACTIONS, without)["text"] is None
    assert rows(STEWARD).withheld_columns(columns.INTERACTIONS) == ("text", "properties")


def test_a_later_decision_replaces_that_of_its_channel_or_of_every_channel() -> None:
    # given
    stated = [
        consent("given", 1),
        consent("withdrawn", 2, "email", method="form"),
        consent("given", 3),
        consent("given", 4, "sms"),
        consent("refused", 4, "sms"),
        consent("given", 9, source="shop:claimed"),
    ]
    # when: newest first; of two at the same time the stricter one
    found = [named(columns.CONSENTS, row) for row in rows().consents(stated, "cus_1", rows().shown_of_all)]
    # then: consent for an address that is only claimed does not count
    assert [(row["decision"], row["channel"], row["decided_at"], row["in_effect"]) for row in found] == [
        ("REFUSED", "SMS", 4, True),
        ("GIVEN", "SMS", 4, False),
        ("GIVEN", None, 3, True),
        ("WITHDRAWN", "EMAIL", 2, False),
        ("GIVEN", None, 1, False),
    ]
    assert [row["method"] for row in found] == [None, None, None, "FORM", None]
    assert len({row["consent_id"] for row in found}) == 5


def test_a_membership_has_the_name_of_the_segment() -> None:
    row = rows().segment_member(Membership("seg_1", "cus_1", 5), Segment("seg_1", "Buyers", "{}", 1, 0))
    assert row == ("seg_1:cus_1", "seg_1", "Buyers", "cus_1", 5)


def entry(kind: ChangeKind, reason: str, *keys: str) -> Entry:
    return Entry(3, Change(kind, 8, Cause(CauseType.OBSERVATION, "crm", "1"), "cus_1", keys=keys, reason=reason))


def test_a_change_is_masked_and_loses_its_values_with_a_restriction() -> None:
    # given
    moved = entry(ChangeKind.IDENTIFIERS_MOVED, "seen for the first time", ANN)
    # when
    whole, masked = (named(columns.CHANGES, rows(by).change(moved, restricted=False)) for by in (EVERYTHING, STEWARD))
    restricted = named(columns.CHANGES, rows().change(moved, restricted=True))
    # then
    assert (whole["identifiers"], whole["reason"], whole["cause_source"]) == ((ANN,), "seen for the first time", "crm")
    assert masked["identifiers"] == ("email=a•••@e•••.com",)
    assert (restricted["identifiers"], restricted["cause_source"], restricted["customer_id"]) == ((), None, "cus_1")


def test_the_segment_of_a_change_needs_the_scope_of_memberships() -> None:
    entered = entry(ChangeKind.SEGMENT_ENTERED, "Buyers")
    may, may_not = EVERYTHING, STEWARD
    assert (may.may(MEMBERSHIP_READ), may_not.may(MEMBERSHIP_READ)) == (True, False)
    assert shows_segment(entered)
    names = [
        named(columns.CHANGES, rows(by).change(entered, restricted=False))["segment_name"] for by in (may, may_not)
    ]
    assert names == ["Buyers", None]
    # and that somebody left a segment is shown of restricted customers, too, but not that somebody entered it
    left = entry(ChangeKind.SEGMENT_EXITED, "Buyers")
    shown = [named(columns.CHANGES, rows().change(change, restricted=True)) for change in (left, entered)]
    assert [row["segment_name"] for row in shown] == ["Buyers", None]


@pytest.mark.parametrize(("decision", "hides"), [("given", False), ("withdrawn", True), (None, True)])
def test_a_policy_withholds_what_lacks_a_consent(decision: str | None, hides: bool) -> None:
    # given
    policies = [Policy(label, "marketing", "newsletter") for label in (Label.CONTRACT, Label.CONTACT)]
    made = rows(EVERYTHING, *policies)
    consents = [] if decision is None else [consent(decision, 1).fact]
    # when
    shown = made.shown(consents)
    # then
    assert made.needs_consents
    assert shown.hides(columns.ORDERS.label) is hides
    assert not shown.hides(columns.INTERACTIONS.label)
    assert (made.identifier(identifier(ANN), shown) is None) is hides
    assert made.identifier(identifier(COOKIE), shown) is not None
    # and what quotes the address masks it
    link = Link(COOKIE, ANN, EvidenceTier.FIRST_PARTY, 1, 1, 1, ("web",))
    row = named(columns.LINKS, made.link(link, ("cus_1", "cus_1"), (shown, shown)))
    assert row["identifier_b_value"] == ("•••" if hides else "ann@example.com")


def test_tables_need_scopes() -> None:
    assert rows().withheld_tables == {}
    assert set(rows(STEWARD).withheld_tables) == {
        "orders",
        "order_lines",
        "interactions",
        "consents",
        "segment_members",
    }
