"""Data is kept no longer than retention.toml says: shown before, removed in steps, refused when it is sent again."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from graph.domain.model.changes import ChangeKind
from graph.ports import Store
from schema.root import schema
from tests.builders.canary_places import places
from tests.builders.clients import RESULT, Client, identifiers, order, seen
from tests.builders.operations import interaction
from tests.builders.personal_inputs import STATEMENTS, PersonalInputs
from tests.builders.restrictions import lift, restricted
from tests.builders.retention import PREVIEW, SettableClock, expire
from tests.builders.runs import Run
from tests.builders.stores import Fresh
from tests.builders.verifications import verified

FILE = """
[[retention]]
kind = "external_segment"
party = "third"
days = 90
reason = "a campaign"
[[retention]]
namespace = "cookie"
days = 395
reason = "13 months"
[[retention]]
kind = "text"
days = 180
reason = "one request"
[[retention]]
kind = "order"
days = 365
reason = "a guarantee"
[[hold]]
kind = "order"
days = 3650
reason = "an invoice"
"""
OLD, YOUNG = "2026-01-01T09:00:00Z", "2027-01-20T09:00:00Z"
SEGMENTS = f"mutation($input: RecordExternalSegmentsInput!) {{ recordExternalSegments(input: $input) {{ {RESULT} }} }}"
INTERACTIONS = f"mutation($input: RecordInteractionsInput!) {{ recordInteractions(input: $input) {{ {RESULT} }} }}"
SECRETS = ("ck-old", "parcel", "car buyers")
"""Values that expire, and are in no other value."""
KINDS = "{ changes(first: 100) { nodes { kind customerId reason cause { type } } } }"


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock("2026-01-02T00:00:00Z")


@pytest.fixture
def store(fresh: Fresh) -> Store:
    return fresh()


@pytest.fixture
def client(store: Store, run: Run, tmp_path: Path, clock: SettableClock) -> Client:
    path = tmp_path / "retention.toml"
    path.write_text(FILE)
    client = Client(store, run, clock=clock, retention=str(path))
    run(client.wiring.prepare())
    return client


def segment(name: str, *keys: str, at: str) -> dict[str, Any]:
    return {"source": "dmp", "identifiers": identifiers(*keys), "segment": name, "reportedAt": at}


def send_old(client: Client) -> list[dict[str, Any]]:
    """What a shop knows on the first day, and what becomes of each statement; ids are left out now and then."""
    results = client.link(
        seen("email=ann@example.com", "cookie=ck-old-1", at=OLD, id="w-1"),
        seen("cookie=ck-old-1", "cookie=ck-old-2", at=OLD),
        seen("email=ann@example.com", "loyalty_card=7770001", at=OLD, source="club"),
    )
    interactions = [
        interaction("page_viewed", "cookie=ck-old-2", at=OLD),
        interaction("call_received", "email=ann@example.com", "cookie=ck-old-1", at=OLD, text="where is my parcel"),
        interaction("unsubscribed", "email=ann@example.com", at=OLD),
    ]
    answer = client.ask(INTERACTIONS, {"input": {"interactions": interactions}})
    results += answer["recordInteractions"]["results"]
    results += client.record(order("R-47115", "email=ann@example.com", "cookie=ck-old-1", placedAt=OLD, reportedAt=OLD))
    segments = [segment("car buyers", "email=ann@example.com", at=OLD)]
    results += client.ask(SEGMENTS, {"input": {"segments": segments}})["recordExternalSegments"]["results"]
    return results


def outcomes(results: list[dict[str, Any]]) -> list[str]:
    """The code of each problem, or what was dropped, or how the statement was accepted."""
    return [
        result["problem"]["code"]
        if result["__typename"] == "Rejected"
        else ",".join(dropped["code"] for dropped in result["droppedIdentifiers"])
        or ("repeated" if result["duplicate"] else "new")
        for result in results
    ]


def texts(store: Store, run: Run) -> str:
    """Everything that a store holds, with its indexes, as text."""

    async def read() -> str:
        return "".join([msgspec.json.encode(batch).decode() async for batch in store.export_with_indexes()])

    return run(read())


def test_what_a_preview_shows_is_what_a_run_removes(client: Client, clock: SettableClock) -> None:
    # given
    send_old(client)
    clock.add(400)
    client.link(seen("email=ann@example.com", "cookie=ck-new", at=YOUNG))
    # when
    preview = client.ask(PREVIEW)["retentionPreview"]
    done = expire(client)
    # then
    assert preview["complete"] is True
    assert {(count["rule"]["about"], count["kind"]): count["count"] for count in preview["counts"]} == {
        ("namespace cookie", "observation"): 3,
        ("namespace cookie", "interaction"): 2,
        ("namespace cookie", "order"): 1,
        ("kind text", "interaction"): 1,
        ("kind external_segment, party third", "external_segment"): 1,
    }
    assert done["counts"] == preview["counts"]
    assert (done["identifiers"], done["actor"]) == (2, "tess")
    assert done["endedAt"]
    # and nothing is left
    assert client.ask(PREVIEW)["retentionPreview"]["counts"] == []


def test_what_has_expired_is_nowhere_and_the_rest_stays(
    store: Store, client: Client, clock: SettableClock, run: Run
) -> None:
    # given
    send_old(client)
    assert all(secret in texts(store, run) for secret in SECRETS)
    id = client.customer("email=ann@example.com")["id"]
    clock.add(400)
    # when
    expire(client)
    # then
    left = texts(store, run)
    assert [secret for secret in SECRETS if secret in left] == []
    fields = """id identifiers { nodes { value } } orders { nodes { number total } } externalSegments { segment }
        consent(purpose: "newsletter", channel: EMAIL) { decision }
        timeline(kinds: [INTERACTION], first: 10) { nodes { ... on Interaction { type text } } }"""
    customer = client.customer("email=ann@example.com", fields)
    assert customer["id"] == id
    assert {node["value"] for node in customer["identifiers"]["nodes"]} == {"ann@example.com", "7770001", "R-47115"}
    # the order is on hold, and whoever unsubscribed is not written to
    assert [node["number"] for node in customer["orders"]["nodes"]] == ["R-47115"]
    assert customer["consent"]["decision"] == "WITHDRAWN"
    assert customer["externalSegments"] == []
    assert {(node["type"], node["text"]) for node in customer["timeline"]["nodes"]} == {
        ("call_received", None),
        ("unsubscribed", None),
    }
    assert client.customer("cookie=ck-old-1") is None
    assert verified(store, run).counts == {}
    # when: the hold has ended
    clock.add(3300)
    expire(client)
    # then
    assert client.customer("email=ann@example.com", "orders { nodes { number } }") == {"orders": {"nodes": []}}
    assert "R-47115" not in texts(store, run)
    assert verified(store, run).counts == {}


def test_who_follows_the_feed_learns_whose_data_has_expired(client: Client, clock: SettableClock) -> None:
    # given
    send_old(client)
    id = client.customer("email=ann@example.com")["id"]
    clock.add(400)
    # when
    expire(client)
    # then
    changes = client.ask(KINDS)["changes"]["nodes"]
    expired = [change for change in changes if change["kind"] == ChangeKind.DATA_EXPIRED.name]
    assert {change["customerId"] for change in expired} == {id}
    assert {change["cause"]["type"] for change in expired} == {"EXPIRY"}
    assert not any("ck-old" in change["reason"] for change in changes)


def test_what_has_expired_is_not_stored_again(store: Store, client: Client, clock: SettableClock, run: Run) -> None:
    # given
    first = send_old(client)
    assert outcomes(first) == ["new"] * 8
    clock.add(400)
    # when: before the run
    assert outcomes(send_old(client)) == [
        "EXPIRED",
        "EXPIRED",
        "repeated",
        "EXPIRED",
        "EXPIRED",
        "repeated",
        "EXPIRED",
        "EXPIRED",
    ]
    expire(client)
    after = client.customer("email=ann@example.com", "identifiers { nodes { value observationCount } }")
    # when: after it
    again = send_old(client)
    # then
    rejected = [result["problem"] for result in again if result["__typename"] == "Rejected"]
    assert [(problem["code"], problem["path"]) for problem in rejected] == [
        ("EXPIRED", ["seenAt"]),
        ("EXPIRED", ["occurredAt"]),
        ("EXPIRED", ["reportedAt"]),
    ]
    assert rejected[0]["message"] == (
        "seenAt 2026-01-01T09:00:00Z is more than 395 days ago; retention.toml does not keep it longer (namespace "
        "cookie): 13 months"
    )
    assert all(result["duplicate"] for result in again if result["__typename"] != "Rejected")
    assert client.customer("email=ann@example.com", "identifiers { nodes { value observationCount } }") == after
    assert not any(secret in texts(store, run) for secret in SECRETS)


def test_a_customer_without_identifiers_is_an_empty_id(
    store: Store, client: Client, clock: SettableClock, run: Run
) -> None:
    # given
    client.link(seen("cookie=ck-old-7", at=OLD))
    id = client.customer("cookie=ck-old-7")["id"]
    clock.add(400)
    # when
    expire(client)
    # then
    by_id = client.ask(f'{{ customer(by: {{id: "{id}"}}) {{ id identifiers {{ nodes {{ value }} }} }} }}')["customer"]
    assert by_id == {"id": id, "identifiers": {"nodes": []}}
    assert "ck-old" not in texts(store, run)
    assert verified(store, run).counts == {}
    # when it comes back
    client.link(seen("cookie=ck-old-7", at=YOUNG))
    # then
    assert client.customer("cookie=ck-old-7")["id"] != id


def test_nothing_of_a_restricted_customer_is_removed(
    store: Store, client: Client, clock: SettableClock, run: Run
) -> None:
    # given: a statement names no restricted identifier, but one of the customer
    send_old(client)
    client.link(seen("cookie=ck-old-9", at=OLD))
    restriction = restricted(client, "email=ann@example.com")
    client.link(seen("email=ann@example.com", "loyalty_card=7770002", at=OLD))
    client.link(seen("loyalty_card=7770002", "cookie=ck-old-8", at=OLD))
    clock.add(400)
    # when
    preview = client.ask(PREVIEW)["retentionPreview"]
    done = expire(client)
    # then
    assert [count["count"] for count in preview["counts"]] == [1]
    assert done["counts"] == preview["counts"]
    left = texts(store, run)
    assert all(secret in left for secret in ("ck-old-1", "ck-old-8", "parcel", "car buyers"))
    assert "ck-old-9" not in left
    # when
    lift(client, restriction)
    expire(client)
    # then
    assert not any(secret in texts(store, run) for secret in SECRETS)


def test_a_run_that_was_cut_off_is_continued(
    store: Store, client: Client, clock: SettableClock, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given: a run that ends after its first step
    client.link(*(seen(f"cookie=ck-old-{number}", f"login=u{number % 7}", at=OLD) for number in range(60)))
    clock.add(400)
    retention = client.graph.retention

    async def cut_off() -> None:
        running = await retention.start()
        while not running.done():
            await asyncio.sleep(0)
            if (await store.changes(0, 1_000))[-1].change.kind is ChangeKind.DATA_EXPIRED:
                running.cancel()

    monkeypatch.setattr("graph.commands.retention.QUIET_STEP_SIZE", 10)
    run(cut_off())
    assert client.ask("{ retentionRun { endedAt } }") == {"retentionRun": {"endedAt": None}}
    assert "ck-old" in texts(store, run)
    # when
    expire(client)
    # then
    assert "ck-old" not in texts(store, run)
    assert len(client.keys_of("login=u3")) == 1
    assert verified(store, run).counts == {}


def test_the_service_runs_it_each_day(store: Store, client: Client, clock: SettableClock, run: Run) -> None:
    # given
    send_old(client)
    clock.add(400)

    async def until(at: int) -> None:
        serving = asyncio.create_task(client.graph.retention.run_periodically(0.01))
        for _ in range(1_000):
            await asyncio.sleep(0.01)
            newest = await client.graph.retention.newest_run()
            if newest is not None and newest.ended_at == at:
                break
        serving.cancel()

    # when
    run(until(clock.now()))
    # then
    assert not any(secret in texts(store, run) for secret in SECRETS)
    # when: on the next day
    clock.add(1)
    run(until(clock.now()))
    # then
    assert client.ask("{ retentionRun { actor identifiers } }") == {"retentionRun": {"actor": "", "identifiers": 0}}


def test_nothing_expires_without_a_file(fresh: Fresh, run: Run, clock: SettableClock) -> None:
    # given
    client = Client(fresh(), run, clock=clock)
    send_old(client)
    clock.add(4000)
    # when
    done = expire(client)
    # then
    assert client.ask("{ retentionRules { rules { days } holds { days } } }") == {
        "retentionRules": {"rules": [], "holds": []}
    }
    assert done["counts"] == []
    assert client.customer("cookie=ck-old-1") is not None


def test_the_rules_are_shown_with_their_reasons(client: Client) -> None:
    answer = client.ask("{ retentionRules { rules { about part days reason } holds { about days reason } } }")
    assert answer["retentionRules"]["rules"][1] == {
        "about": "namespace cookie",
        "part": "IDENTIFIER",
        "days": 395,
        "reason": "13 months",
    }
    assert answer["retentionRules"]["holds"] == [{"about": "kind order", "days": 3650, "reason": "an invoice"}]


def test_no_byte_of_what_has_expired_is_left(store: Store, run: Run, tmp_path: Path, clock: SettableClock) -> None:
    # given: all that can be sent about a person
    path = tmp_path / "retention.toml"
    path.write_text('[[retention]]\ndays = 30\nreason = "a test"\n')
    client = Client(store, run, clock=clock, retention=str(path))
    run(client.wiring.prepare())
    for name, document, variables in PersonalInputs(schema._schema, "other@example.com").documents(STATEMENTS):
        results = client.ask(document, variables)[name]["results"]
        assert all(result["__typename"] != "Rejected" for result in results), (name, results)
    assert run(places(store))
    clock.add(60)
    # when
    expire(client)
    # then
    assert run(places(store)) == {}
    assert verified(store, run).counts == {}
