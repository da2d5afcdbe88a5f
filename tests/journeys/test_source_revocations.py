"""A partner sent nonsense: everything it sent in a window of time is previewed, revoked and restored."""

from typing import Any

import pytest

from graph.domain.model.times import iso
from service.bootstrap import SystemClock
from tests.builders.clients import Client, order, seen
from tests.builders.operations import REVOKE, decide, interaction, record, state
from tests.builders.runs import Run
from tests.builders.stores import Fresh

ANN, BOB = "email=ann@example.com", "email=bob@example.com"
FIELDS = """id source recordedFrom recordedTo includeRefusals actor reason restoredAt restoredBy
  progress { processed total running }"""
REVOKE_SOURCE = f"""mutation($input: RevokeSourceInput!) {{ revokeSource(input: $input) {{
  revocation {{ {FIELDS} }} created errors {{ code message path }} }} }}"""
RESTORE_SOURCE = f"""mutation($input: RestoreSourceInput!) {{ restoreSource(input: $input) {{
  revocation {{ {FIELDS} }} created errors {{ code message path }} }} }}"""
IMPACT = """errors { code message path } preview { state impact {
  currentCustomers projectedCustomers mergingCustomers splittingCustomers changedCustomers newlyRejected newlyAccepted
  sampleMerges { customerIds } sampleSplits { customerIds groups { namespace value } } } }"""
PREVIEW_REVOKE = (
    f"""mutation($input: PreviewRevokeSourceInput!) {{ previewRevokeSource(input: $input) {{ {IMPACT} }} }}"""
)
PREVIEW_RESTORE = f"""mutation($input: PreviewRestoreSourceInput!) {{
  previewRestoreSource(input: $input) {{ {IMPACT} }} }}"""
LIST = f"""query($all: Boolean!, $after: String) {{ sourceRevocations(first: 1, after: $after, includeRestored: $all) {{
  nodes {{ {FIELDS} }} pageInfo {{ hasNextPage endCursor }} }} }}"""
VIEW = """identifiers(first: 50) { nodes { namespace value } } profile { givenName { value } }
  orders(first: 50) { nodes { number } } metrics { orderCount revenue { amount } }
  timeline(first: 50, kinds: [INTERACTION]) { nodes { ... on Interaction { type } } }
  consent(purpose: "newsletter", channel: EMAIL) { decision }"""


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    client = Client(fresh(), run)
    run(client.wiring.prepare())
    return client


def now() -> str:
    return iso(SystemClock().now())


def views(client: Client) -> list[Any]:
    return [client.customer(key, VIEW) for key in (ANN, BOB)]


def send_what_is_right(client: Client) -> None:
    client.link(seen("crm_id=A1", ANN, id="1", source="shop"))
    client.link(seen("login=bob", BOB, id="2", source="shop"))
    client.record(order("S-1", ANN, source="shop", total="10"))
    state(client, ANN, source="shop", givenName="Ann")


def send_nonsense(client: Client, source: str = "partner") -> None:
    """The partner has one card for everybody, and other names, orders, consents and interactions."""
    client.link(
        seen("loyalty_card=7770", ANN, id=f"{source} 1", source=source),
        seen("loyalty_card=7770", BOB, id=f"{source} 2", source=source),
    )
    client.record(order(f"{source}-1", BOB, source=source, total="99"))
    client.record(order("S-1", ANN, source=source, total="77", reportedAt="2026-04-01T12:00:00Z"))
    state(client, ANN, source=source, at="2026-05-01T00:00:00Z", givenName="Zoe")
    decide(client, ANN, decision="GIVEN", at="2026-02-01T00:00:00Z", channel="EMAIL", source=source)
    record(client, interaction("product_viewed", BOB, at="2026-02-01T00:00:00Z", source=source))


def revoke(client: Client, run: Run, source: str = "partner", **more: object) -> dict[str, Any]:
    payload = client.ask(REVOKE_SOURCE, {"input": {"source": source, **more}})["revokeSource"]
    run(client.graph.source_revocations.applied())
    return payload


def restore(client: Client, run: Run, id: str, **more: object) -> dict[str, Any]:
    payload = client.ask(RESTORE_SOURCE, {"input": {"id": id, **more}})["restoreSource"]
    run(client.graph.source_revocations.applied())
    return payload


def revocations(client: Client, all: bool = False, after: str | None = None) -> dict[str, Any]:
    return client.ask(LIST, {"all": all, "after": after})["sourceRevocations"]


def test_revoking_a_source_undoes_everything_it_sent_and_restoring_it_redoes_it(client: Client, run: Run) -> None:
    # given
    send_what_is_right(client)
    before, ids = views(client), [client.customer(key)["id"] for key in (ANN, BOB)]
    send_nonsense(client)
    with_nonsense = views(client)
    assert client.customer(ANN) == client.customer(BOB)
    # when
    payload = revoke(client, run, reason="wrong cards", actor="sue")
    # then
    assert (payload["created"], payload["errors"]) == (True, [])
    assert views(client) == before
    assert [client.customer(key)["id"] for key in (ANN, BOB)] == ids
    assert client.customer("loyalty_card=7770") is None
    (revocation,) = revocations(client)["nodes"]
    assert (revocation["actor"], revocation["reason"]) == ("sue", "wrong cards")
    assert revocation["progress"] == {"processed": 7, "total": 7, "running": False}
    # when
    restored = restore(client, run, revocation["id"], actor="tom")
    # then
    assert restored["errors"] == []
    assert views(client) == with_nonsense
    assert client.customer(ANN) == client.customer(BOB)
    assert revocations(client)["nodes"] == []
    (listed,) = revocations(client, all=True)["nodes"]
    assert (listed["restoredBy"], listed["progress"]["running"]) == ("tom", False)


def test_only_what_was_recorded_in_the_window_is_revoked(client: Client, run: Run) -> None:
    # given
    client.link(seen("loyalty_card=9001", ANN, id="1", source="partner"))
    begin = now()
    client.link(seen("loyalty_card=9002", BOB, id="2", source="partner"))
    end = now()
    client.link(seen("loyalty_card=9003", "email=cem@example.com", id="3", source="partner"))
    # when
    payload = revoke(client, run, recordedFrom=begin, recordedTo=end)
    # then
    revocation = payload["revocation"]
    assert (revocation["recordedFrom"], revocation["recordedTo"]) == (begin, end)
    found = [client.customer(f"loyalty_card=900{number}") is not None for number in (1, 2, 3)]
    assert found == [True, False, True]
    # when: it is sent again
    (again,) = client.link(seen("loyalty_card=9002", BOB, id="2", source="partner"))
    # then
    assert (again["status"], again["duplicate"], again["customerId"]) == ("SOURCE_REVOKED", True, None)


def test_windows_may_overlap_and_single_revocations_stay(client: Client, run: Run) -> None:
    # given
    client.link(seen("loyalty_card=9001", ANN, id="1", source="partner"))
    middle = now()
    client.link(*(seen(f"loyalty_card=900{id}", id=id, source="partner") for id in "234"))
    everything = revoke(client, run)["revocation"]["id"]
    newest = revoke(client, run, recordedFrom=middle)["revocation"]["id"]
    client.ask(REVOKE, {"o": [{"source": "partner", "id": "4"}]})
    # when
    restore(client, run, everything)
    # then
    assert [client.customer(f"loyalty_card=900{id}") is not None for id in "1234"] == [True, False, False, False]
    # when
    restore(client, run, newest)
    # then
    assert [client.customer(f"loyalty_card=900{id}") is not None for id in "1234"] == [True, True, True, False]


@pytest.mark.parametrize(("include_refusals", "decision"), [(False, "WITHDRAWN"), (True, "GIVEN")])
def test_who_said_no_is_not_written_to_unless_refusals_are_included(
    client: Client, run: Run, include_refusals: bool, decision: str
) -> None:
    # given: the shop has consent, and the partner reports a withdrawal and an unsubscription
    decide(client, ANN, decision="GIVEN", at="2026-01-01T00:00:00Z", channel="EMAIL")
    decide(client, BOB, decision="GIVEN", at="2026-01-01T00:00:00Z", channel="EMAIL")
    decide(client, ANN, decision="WITHDRAWN", at="2026-02-01T00:00:00Z", channel="EMAIL", source="partner")
    record(client, interaction("unsubscribed", BOB, at="2026-02-01T00:00:00Z", source="partner"))
    # when
    revoke(client, run, includeRefusals=include_refusals)
    # then: the interaction itself is revoked in any case
    assert [view["consent"]["decision"] for view in views(client)] == [decision, decision]
    assert views(client)[1]["timeline"]["nodes"] == []


def test_a_preview_says_who_splits_and_merges_and_changes_nothing(client: Client, run: Run) -> None:
    # given
    send_what_is_right(client)
    send_nonsense(client)
    before = client.ask("{ changes { nodes { cursor } } }")
    # when
    payload = client.ask(PREVIEW_REVOKE, {"input": {"source": "partner", "maskValues": False}})["previewRevokeSource"]
    # then
    assert payload["preview"]["state"] == "COMPLETED"
    impact = payload["preview"]["impact"]
    assert (impact["currentCustomers"], impact["projectedCustomers"], impact["splittingCustomers"]) == (1, 2, 1)
    assert (impact["newlyRejected"], impact["newlyAccepted"]) == (7, 0)
    (split,) = impact["sampleSplits"]
    values = [sorted(key["value"] for key in group) for group in split["groups"]]
    assert sorted(values) == [["A1", "S-1", "ann@example.com"], ["bob", "bob@example.com"]]
    assert client.ask("{ changes { nodes { cursor } } }") == before
    assert revocations(client)["nodes"] == []
    # when
    id = revoke(client, run)["revocation"]["id"]
    restoration = client.ask(PREVIEW_RESTORE, {"input": {"id": id}})["previewRestoreSource"]["preview"]
    # then
    impact = restoration["impact"]
    assert (impact["currentCustomers"], impact["projectedCustomers"], impact["mergingCustomers"]) == (2, 1, 2)
    assert (impact["newlyRejected"], impact["newlyAccepted"]) == (0, 7)


def test_a_preview_knows_which_report_of_an_order_is_in_effect_without_the_newest(client: Client) -> None:
    # given: the second report of the same source moved the order from Ann to Bob
    client.record(order("S-9", ANN, source="shop", reportedAt="2026-03-01T12:00:00Z"))
    begin = now()
    client.record(order("S-9", BOB, source="shop", reportedAt="2026-03-02T12:00:00Z"))
    # when
    window = {"source": "shop", "recordedFrom": begin, "maskValues": False}
    impact = client.ask(PREVIEW_REVOKE, {"input": window})["previewRevokeSource"]["preview"]["impact"]
    # then: Bob is seen nowhere else
    assert (impact["projectedCustomers"], impact["changedCustomers"]) == (1, 1)
    (split,) = impact["sampleSplits"] or [{"groups": []}]
    assert split["groups"] == []


def test_the_history_names_the_revocation_and_who_did_it(client: Client, run: Run) -> None:
    # given
    send_what_is_right(client)
    send_nonsense(client)
    # when
    id = revoke(client, run, actor="sue")["revocation"]["id"]
    restore(client, run, id, actor="tom")
    # then
    query = """{ changes(first: 100) { nodes {
      kind summary cause { type source sourceRevocationId observationId actor } } } }"""
    changes = client.ask(query)["changes"]["nodes"]
    (split,) = [change for change in changes if change["kind"] == "CUSTOMER_SPLIT"]
    assert split["cause"] == {
        "type": "SOURCE_REVOCATION",
        "source": "partner",
        "sourceRevocationId": id,
        "observationId": None,
        "actor": "sue",
    }
    assert "(source partner was revoked by sue)" in split["summary"]
    merge = [change for change in changes if change["kind"] == "CUSTOMERS_MERGED"][-1]
    assert (merge["cause"]["type"], merge["cause"]["actor"]) == ("SOURCE_RESTORATION", "tom")


def test_the_same_revocation_again_changes_nothing(client: Client, run: Run) -> None:
    # given
    client.link(seen("loyalty_card=9001", ANN, id="1", source="partner"))
    end = now()
    # when
    until_now = [revoke(client, run), revoke(client, run)]
    with_end = [revoke(client, run, recordedTo=end), revoke(client, run, recordedTo=end)]
    # then
    assert [payload["created"] for payload in (*until_now, *with_end)] == [True, False, True, False]
    assert until_now[0]["revocation"]["id"] == until_now[1]["revocation"]["id"]
    page = revocations(client)
    assert page["pageInfo"]["hasNextPage"]
    rest = revocations(client, after=page["pageInfo"]["endCursor"])
    assert [node["recordedTo"] for node in rest["nodes"]] == [end]
    assert not rest["pageInfo"]["hasNextPage"]
    # when: the source sends more
    client.link(seen("loyalty_card=9002", ANN, id="2", source="partner"))
    # then
    assert revoke(client, run)["created"]
    assert client.customer(ANN) is None


@pytest.mark.parametrize(
    ("input", "code", "path", "named"),
    [
        ({"source": "nobody"}, "SOURCE_NOT_FOUND", ["source"], "'nobody'"),
        ({"source": ""}, "INVALID_LENGTH", ["source"], "source has 0 characters"),
        (
            {"source": "partner", "recordedTo": "2999-01-01"},
            "TIMESTAMP_IN_FUTURE",
            ["recordedTo"],
            "2999-01-01T00:00:00Z",
        ),
        ({"source": "partner", "recordedFrom": "yesterday"}, "INVALID_TIMESTAMP", ["recordedFrom"], "'yesterday'"),
        (
            {"source": "partner", "recordedFrom": "2026-01-02", "recordedTo": "2026-01-02"},
            "EMPTY_WINDOW",
            ["recordedFrom"],
            "2026-01-02T00:00:00Z",
        ),
    ],
)
def test_a_window_that_cannot_be_revoked_is_an_error_that_names_it(
    client: Client, input: dict[str, str], code: str, path: list[str], named: str
) -> None:
    # given
    client.link(seen("loyalty_card=9001", ANN, id="1", source="partner"))
    # when
    errors = client.ask(REVOKE_SOURCE, {"input": input})["revokeSource"]["errors"]
    previewed = client.ask(PREVIEW_REVOKE, {"input": input})["previewRevokeSource"]["errors"]
    # then
    assert [(error["code"], error["path"]) for error in errors] == [(code, path)]
    assert named in errors[0]["message"]
    assert [error["code"] for error in previewed] == [code]
    assert revocations(client, all=True)["nodes"] == []


def test_only_a_revocation_in_effect_can_be_restored(client: Client, run: Run) -> None:
    # given
    client.link(seen("loyalty_card=9001", ANN, id="1", source="partner"))
    id = revoke(client, run)["revocation"]["id"]
    restore(client, run, id)
    # when
    again, unknown = restore(client, run, id), restore(client, run, "srv_x")
    previewed = client.ask(PREVIEW_RESTORE, {"input": {"id": id}})["previewRestoreSource"]
    # then
    codes = [payload["errors"][0]["code"] for payload in (again, unknown, previewed)]
    assert codes == ["ALREADY_RESTORED", "SOURCE_REVOCATION_NOT_FOUND", "ALREADY_RESTORED"]
    assert "srv_x" in unknown["errors"][0]["message"]
