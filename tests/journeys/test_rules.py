"""Rules tried and changed on what is stored, while everything is served."""

import asyncio

import pytest

from graph.commands.rules_rollout import STEP
from graph.domain.model.receipts import Standing
from graph.domain.resolution.resolution import resolve
from graph.domain.resolution.scenario import in_order
from service.config.rules_file import default_text, parse
from tests.builders.clients import Client, identifiers, order, seen
from tests.builders.runs import Run
from tests.builders.stores import Fresh

APPLY = """mutation($input: ApplyRulesInput!) { applyRules(input: $input) {
  progress { version running } errors { code message } } }"""
PREVIEW = """mutation($input: PreviewRulesInput!) { previewRules(input: $input) { errors { code message }
  preview { id state done total difference {
    customersNow customersThen merging splitting changed refused accepted
    merges { customerIds groups { namespace value } } splits { customerIds groups { namespace value } } } } } }"""
RULES = "{ rules { version text progress { running done total } } }"
STRICT = default_text().replace('name = "email"\nlimit = 5', 'name = "email"\nlimit = 1')
LOOSE = default_text().replace('name = "crm_id"\nlimit = 1', 'name = "crm_id"\nlimit = 2')


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    client = Client(fresh(), run)
    run(client.wiring.prepare())
    return client


def apply(client: Client, run: Run, text: str, version: int) -> dict:
    answer = client.ask(APPLY, {"input": {"rules": text, "expectedVersion": version}})["applyRules"]
    run(client.graph.rules_control.applied())
    return answer


def test_new_rules_part_and_join_what_is_stored(client: Client, run: Run) -> None:
    # given: one person with two addresses; two CRM numbers with one address
    client.link(
        seen("login=ann", "email=a@example.com", at="2026-01-01T00:00:00Z"),
        seen("login=ann", "email=b@example.com", at="2026-01-02T00:00:00Z"),
        seen("crm_id=K1", "email=c@example.com", at="2026-01-01T00:00:00Z"),
        seen("crm_id=K2", "email=c@example.com", at="2026-01-02T00:00:00Z"),
    )
    client.record(order("A1", "email=a@example.com", total="10"), order("A2", "email=b@example.com", total="5"))
    ann = client.customer("login=ann")["id"]
    # when
    answer = apply(client, run, STRICT, 1)
    # then: the newest address stays, the other is a customer of its own; no order is lost
    assert answer["errors"] == []
    assert client.customer("email=b@example.com")["id"] == ann
    assert client.keys_of("email=a@example.com") == ["email=a@example.com", "order=A1"]
    # when
    apply(client, run, LOOSE, 2)
    # then: one person again, and the id that went comes back to nobody
    assert client.customer("email=a@example.com")["id"] == ann
    assert client.keys_of("crm_id=K1") == ["crm_id=K1", "crm_id=K2", "email=c@example.com"]
    metrics = client.customer("login=ann", "metrics { orders revenue { amount } }")["metrics"]
    assert metrics == {"orders": 2, "revenue": [{"amount": "15.00"}]}
    kept = client.ask(RULES)["rules"]
    assert (kept["version"], kept["text"], kept["progress"]["running"]) == (3, LOOSE, False)


def test_another_version_or_bad_rules_change_nothing(client: Client) -> None:
    wrong = client.ask(APPLY, {"input": {"rules": STRICT, "expectedVersion": 7}})["applyRules"]
    bad = client.ask(APPLY, {"input": {"rules": "accept = 3", "expectedVersion": 1}})["applyRules"]
    assert [one["code"] for one in wrong["errors"]] == ["CONFLICT"]
    assert [one["code"] for one in bad["errors"]] == ["BAD_RULES"]
    assert client.ask(RULES)["rules"]["version"] == 1


def test_the_same_change_of_rules_again_is_answered_as_if_it_had_come_once(client: Client, run: Run) -> None:
    # given
    apply(client, run, STRICT, 1)
    # when
    again = client.ask(APPLY, {"input": {"rules": STRICT, "expectedVersion": 1}})["applyRules"]
    other = client.ask(APPLY, {"input": {"rules": LOOSE, "expectedVersion": 1}})["applyRules"]
    # then
    assert again["errors"] == []
    assert [one["code"] for one in other["errors"]] == ["CONFLICT"]
    assert client.ask(RULES)["rules"]["version"] == 2


def test_observations_that_rules_refuse_stay_and_return(client: Client, run: Run) -> None:
    # given
    client.link(seen("email=a@example.com", "email=b@example.com", id="two"))
    tight = default_text().replace('name = "email"\nlimit = 5', 'name = "email"\nlimit = 1')
    # when
    preview = client.ask(PREVIEW, {"input": {"rules": tight}})["previewRules"]["preview"]
    apply(client, run, tight, 1)
    # then
    assert preview["difference"]["refused"] == 1
    assert client.customer("email=a@example.com") is None
    # when
    back = client.ask(PREVIEW, {"input": {"rules": default_text()}})["previewRules"]["preview"]
    apply(client, run, default_text(), 2)
    # then
    assert back["difference"]["accepted"] == 1
    assert len(client.keys_of("email=a@example.com")) == 2


def test_a_preview_tells_who_would_merge_and_split_and_writes_nothing(client: Client) -> None:
    # given
    client.link(
        seen("crm_id=Key1", "email=c@example.com"),
        seen("crm_id=Key2", "email=c@example.com"),
        seen("login=ann", "email=a@example.com"),
        seen("login=ann", "email=b@example.com"),
        seen("cookie=alone"),
    )
    before = client.ask("{ changes { nodes { cursor } } }")
    # when
    merging = client.ask(PREVIEW, {"input": {"rules": LOOSE}})["previewRules"]["preview"]
    splitting = client.ask(PREVIEW, {"input": {"rules": STRICT, "masked": False}})["previewRules"]["preview"]
    bad = client.ask(PREVIEW, {"input": {"rules": "nonsense"}})["previewRules"]
    # then
    assert (merging["state"], merging["done"], merging["total"]) == ("DONE", 5, 5)
    found = merging["difference"]
    assert (found["customersNow"], found["customersThen"]) == (4, 3)
    assert (found["merging"], found["splitting"], found["changed"]) == (2, 0, 2)
    (sample,) = found["merges"]
    assert len(sample["customerIds"]) == 2
    assert "Key1" not in str(sample["groups"])
    assert "c@…" in str(sample["groups"])
    assert (splitting["difference"]["splitting"], splitting["difference"]["changed"]) == (1, 1)
    assert "a@example.com" in str(splitting["difference"]["splits"])
    assert [one["code"] for one in bad["errors"]] == ["BAD_RULES"]
    assert client.ask("{ changes { nodes { cursor } } }") == before


def test_a_preview_can_be_cancelled(client: Client) -> None:
    cancel = "mutation($id: ID!) { cancelPreview(id: $id) { preview { state } errors { code } } }"
    preview = client.ask(PREVIEW, {"input": {"rules": LOOSE}})["previewRules"]["preview"]
    assert client.ask(cancel, {"id": preview["id"]})["cancelPreview"]["preview"]["state"] == "DONE"
    assert client.ask(cancel, {"id": "x"})["cancelPreview"]["errors"] == [{"code": "UNKNOWN_PREVIEW"}]
    query = "query($id: ID!) { rulesPreview(id: $id) { state } }"
    assert client.ask(query, {"id": preview["id"]})["rulesPreview"] == {"state": "DONE"}


def test_rules_change_while_others_write_and_a_restart_goes_on(client: Client, run: Run) -> None:
    # given: more observations than some steps read
    count = STEP * 10
    for start in range(0, count, 100):
        client.link(
            *(seen(f"login=u{n // 2}", f"email=p{n}@example.com", id=f"{n:04}") for n in range(start, start + 100))
        )
    store = client.wiring.store

    async def change() -> None:
        # when: the change is cut off after its first steps, while writes go on
        await client.graph.rules_control.apply(STRICT, 1)
        for _ in range(200):
            progress = await client.graph.rules_control.progress()
            if progress.done >= STEP or not progress.running:
                break
            await asyncio.sleep(0.005)
        client.graph.rules_control._running.cancel()

    run(change())
    kept = run(store.rules())[0]
    assert kept.version == 2
    client.link(seen("login=late", "email=late1@example.com"), seen("login=late", "email=late2@example.com"))
    # when: another process starts
    other = Client(store, run)
    run(other.wiring.prepare())
    run(other.graph.rules_control.applied())
    # then: the store is what the new rules make of what is valid now
    assert run(store.rules())[0].pending is False
    receipts = run(store.receipts(None, 10_000))
    valid = [receipt.statement for receipt in receipts if receipt.standing is Standing.VALID]
    expected = in_order(resolve(valid, (), parse(STRICT)).groups)
    keys = [key for group in expected for key in group]
    groups: dict[str, list[str]] = {}
    for start in range(0, len(keys), 500):
        page = keys[start : start + 500]
        for key, id in zip(page, run(store.holders(page)), strict=True):
            groups.setdefault(id, []).append(key)
    assert in_order(groups.values()) == expected
    # and a process that slept through it takes the new rules over with its next write
    client.graph._writer.rules = type(client.graph._writer.rules)(parse(default_text()), parse(default_text()), 1)
    (result,) = client.link(seen("email=x@example.com", "email=y@example.com"))
    assert result["problem"]["code"] == "LIMIT_EXCEEDED"


def test_simulate_tries_rules_on_observations(client: Client) -> None:
    query = """query($rules: String, $seen: [ObservationInput!], $scenario: String) {
      simulate(rules: $rules, observations: $seen, scenario: $scenario) { customers refused { observation } } }"""
    sent = [
        {"source": "s", "id": "1", "identifiers": identifiers("crm_id=K1", "email= A@example.com")},
        {"source": "s", "id": "2", "identifiers": identifiers("crm_id=K2", "email=a@example.com")},
        {"source": "s", "id": "3", "identifiers": identifiers("crm_id=K1", "crm_id=K2")},
    ]
    answer = client.ask(query, {"rules": default_text(), "seen": sent})["simulate"]
    assert answer["customers"] == [["crm_id=K1"], ["crm_id=K2", "email=a@example.com"]]
    assert answer["refused"] == [{"observation": "3"}]
    for wrong in ({}, {"rules": default_text()}, {"scenario": "rules", "seen": sent}):
        assert client.send(query, wrong).json()["errors"][0]["extensions"]["code"] == "BAD_SCENARIO"
