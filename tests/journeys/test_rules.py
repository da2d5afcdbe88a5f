"""Previews and changes of rules on stored observations, while requests are served."""

import asyncio
from pathlib import Path

import pytest

from graph.commands.rules_control import NORMALIZATION_KEY
from graph.commands.rules_rollout import STEP_SIZE
from graph.domain.model.receipts import ObservationStatus
from graph.domain.resolution.resolution import resolve
from graph.domain.resolution.scenario import sorted_customers
from graph.stores.sqlite import SQLiteStore
from service.config.rules_file import default_text, parse
from tests.builders.clients import Client, identifiers, order, seen
from tests.builders.runs import Run
from tests.builders.stores import Fresh

APPLY = """mutation($input: ApplyRulesInput!) { applyRules(input: $input) {
  progress { version running } errors { code message } } }"""
PREVIEW = """mutation($input: PreviewRulesInput!) { previewRules(input: $input) { errors { code message }
  preview { id state processed total impact {
    currentCustomers projectedCustomers mergingCustomers splittingCustomers changedCustomers newlyRejected newlyAccepted
    sampleMerges { customerIds groups { namespace value } }
    sampleSplits { customerIds groups { namespace value } } } } } }"""
RULES = "{ rules { version text progress { running processed total } } }"
STRICT = default_text().replace('name = "email"\nlimit = 5', 'name = "email"\nlimit = 1')
LOOSE = default_text().replace('name = "crm_id"\nlimit = 1', 'name = "crm_id"\nlimit = 2')


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    client = Client(fresh(), run)
    run(client.wiring.prepare())
    return client


def apply(client: Client, run: Run, text: str, version: int) -> dict:
    payload = client.ask(APPLY, {"input": {"rules": text, "expectedVersion": version}})["applyRules"]
    run(client.graph.rules_control.applied())
    return payload


def test_new_rules_split_and_merge_stored_customers(client: Client, run: Run) -> None:
    # given: a person with two addresses, and two CRM numbers with the same address
    client.link(
        seen("login=ann", "email=a@example.com", at="2026-01-01T00:00:00Z"),
        seen("login=ann", "email=b@example.com", at="2026-01-02T00:00:00Z"),
        seen("crm_id=K1", "email=c@example.com", at="2026-01-01T00:00:00Z"),
        seen("crm_id=K2", "email=c@example.com", at="2026-01-02T00:00:00Z"),
    )
    client.record(order("A1", "email=a@example.com", total="10"), order("A2", "email=b@example.com", total="5"))
    ann = client.customer("login=ann")["id"]
    # when
    payload = apply(client, run, STRICT, 1)
    # then: the newest address stays, the other one becomes a customer of its own, and no order is lost
    assert payload["errors"] == []
    assert client.customer("email=b@example.com")["id"] == ann
    assert client.keys_of("email=a@example.com") == ["email=a@example.com", "order=A1"]
    # when
    apply(client, run, LOOSE, 2)
    # then: one customer again, and the id that was retired is not reused
    assert client.customer("email=a@example.com")["id"] == ann
    assert client.keys_of("crm_id=K1") == ["crm_id=K1", "crm_id=K2", "email=c@example.com"]
    metrics = client.customer("login=ann", "metrics { orderCount revenue { amount } }")["metrics"]
    assert metrics == {"orderCount": 2, "revenue": [{"amount": "15.00"}]}
    rules = client.ask(RULES)["rules"]
    assert (rules["version"], rules["text"], rules["progress"]["running"]) == (3, LOOSE, False)


def test_a_version_conflict_or_invalid_rules_change_nothing(client: Client) -> None:
    conflict = client.ask(APPLY, {"input": {"rules": STRICT, "expectedVersion": 7}})["applyRules"]
    invalid = client.ask(APPLY, {"input": {"rules": "min_confidence = 3", "expectedVersion": 1}})["applyRules"]
    assert [error["code"] for error in conflict["errors"]] == ["VERSION_CONFLICT"]
    assert [error["code"] for error in invalid["errors"]] == ["INVALID_RULES"]
    assert client.ask(RULES)["rules"]["version"] == 1


def test_applying_the_same_rules_again_has_the_effect_of_a_single_request(client: Client, run: Run) -> None:
    # given
    apply(client, run, STRICT, 1)
    # when
    again = client.ask(APPLY, {"input": {"rules": STRICT, "expectedVersion": 1}})["applyRules"]
    conflict = client.ask(APPLY, {"input": {"rules": LOOSE, "expectedVersion": 1}})["applyRules"]
    # then
    assert again["errors"] == []
    assert [error["code"] for error in conflict["errors"]] == ["VERSION_CONFLICT"]
    assert client.ask(RULES)["rules"]["version"] == 2


def test_observations_that_rules_reject_stay_stored_and_count_again(client: Client, run: Run) -> None:
    # given
    client.link(seen("email=a@example.com", "email=b@example.com", id="two"))
    # when
    preview = client.ask(PREVIEW, {"input": {"rules": STRICT}})["previewRules"]["preview"]
    apply(client, run, STRICT, 1)
    # then
    assert preview["impact"]["newlyRejected"] == 1
    assert client.customer("email=a@example.com") is None
    # when
    restored = client.ask(PREVIEW, {"input": {"rules": default_text()}})["previewRules"]["preview"]
    apply(client, run, default_text(), 2)
    # then
    assert restored["impact"]["newlyAccepted"] == 1
    assert len(client.keys_of("email=a@example.com")) == 2


def test_a_preview_shows_who_would_merge_and_split_and_writes_nothing(client: Client) -> None:
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
    splitting = client.ask(PREVIEW, {"input": {"rules": STRICT, "maskValues": False}})["previewRules"]["preview"]
    invalid = client.ask(PREVIEW, {"input": {"rules": "nonsense"}})["previewRules"]
    # then
    assert (merging["state"], merging["processed"], merging["total"]) == ("COMPLETED", 5, 5)
    impact = merging["impact"]
    assert (impact["currentCustomers"], impact["projectedCustomers"]) == (4, 3)
    assert (impact["mergingCustomers"], impact["splittingCustomers"], impact["changedCustomers"]) == (2, 0, 2)
    (sample,) = impact["sampleMerges"]
    assert len(sample["customerIds"]) == 2
    assert "Key1" not in str(sample["groups"])
    assert "•••@e•••.com" in str(sample["groups"])
    assert (splitting["impact"]["splittingCustomers"], splitting["impact"]["changedCustomers"]) == (1, 1)
    assert "a@example.com" in str(splitting["impact"]["sampleSplits"])
    assert [error["code"] for error in invalid["errors"]] == ["INVALID_RULES"]
    assert client.ask("{ changes { nodes { cursor } } }") == before


def test_a_preview_can_be_canceled(client: Client) -> None:
    cancel = "mutation($id: ID!) { cancelPreview(id: $id) { preview { state } errors { code } } }"
    preview = client.ask(PREVIEW, {"input": {"rules": LOOSE}})["previewRules"]["preview"]
    assert client.ask(cancel, {"id": preview["id"]})["cancelPreview"]["preview"]["state"] == "COMPLETED"
    assert client.ask(cancel, {"id": "x"})["cancelPreview"]["errors"] == [{"code": "PREVIEW_NOT_FOUND"}]
    query = "query($id: ID!) { rulesPreview(id: $id) { state } }"
    assert client.ask(query, {"id": preview["id"]})["rulesPreview"] == {"state": "COMPLETED"}


def test_rules_change_during_writes_and_a_restart_continues_the_rollout(client: Client, run: Run) -> None:
    # given: more observations than several steps process
    count = STEP_SIZE * 10
    for start in range(0, count, 100):
        client.link(
            *(seen(f"login=u{n // 2}", f"email=p{n}@example.com", id=f"{n:04}") for n in range(start, start + 100))
        )
    store = client.wiring.store

    async def change() -> None:
        # when: the rollout is interrupted after its first steps, and writes continue
        await client.graph.rules_control.apply(STRICT, 1)
        for _ in range(200):
            progress = await client.graph.rules_control.progress()
            if progress.processed >= STEP_SIZE or not progress.running:
                break
            await asyncio.sleep(0.005)
        client.graph.rules_control._rollout_task.cancel()

    run(change())
    newest = run(store.rules())[0]
    assert newest.version == 2
    client.link(seen("login=late", "email=late1@example.com"), seen("login=late", "email=late2@example.com"))
    # when: another process starts
    other = Client(store, run)
    run(other.wiring.prepare())
    run(other.graph.rules_control.applied())
    # then: the store holds what the new rules make of the valid observations
    assert run(store.rules())[0].pending is False
    receipts = run(store.receipts(None, 10_000))
    valid = [receipt.statement for receipt in receipts if receipt.status is ObservationStatus.VALID]
    expected = sorted_customers(resolve(valid, (), parse(STRICT)).groups)
    keys = [key for group in expected for key in group]
    groups: dict[str, list[str]] = {}
    for start in range(0, len(keys), 500):
        page = keys[start : start + 500]
        for key, id in zip(page, run(store.customer_ids_of(page)), strict=True):
            groups.setdefault(id, []).append(key)
    assert sorted_customers(groups.values()) == expected
    # and a process that missed the change loads the new rules with its next write
    client.graph._writer.rules = type(client.graph._writer.rules)(parse(default_text()), parse(default_text()), 1)
    (result,) = client.link(seen("email=x@example.com", "email=y@example.com"))
    assert result["problem"]["code"] == "NAMESPACE_LIMIT_EXCEEDED"


def test_simulate_applies_rules_to_observations(client: Client) -> None:
    query = """query($rules: String, $seen: [ObservationInput!], $scenario: String) {
      simulate(rules: $rules, observations: $seen, scenario: $scenario) { customers rejected { observation } } }"""
    sent = [
        {"source": "s", "id": "1", "identifiers": identifiers("crm_id=K1", "email= A@example.com")},
        {"source": "s", "id": "2", "identifiers": identifiers("crm_id=K2", "email=a@example.com")},
        {"source": "s", "id": "3", "identifiers": identifiers("crm_id=K1", "crm_id=K2")},
    ]
    simulation = client.ask(query, {"rules": default_text(), "seen": sent})["simulate"]
    assert simulation["customers"] == [["crm_id=K1"], ["crm_id=K2", "email=a@example.com"]]
    assert simulation["rejected"] == [{"observation": "3"}]
    for invalid in ({}, {"rules": default_text()}, {"scenario": "rules", "seen": sent}):
        assert client.send(query, invalid).json()["errors"][0]["extensions"]["code"] == "INVALID_SCENARIO"


def test_a_store_that_was_normalized_by_an_earlier_version_is_reprocessed_once(client: Client, run: Run) -> None:
    # given
    client.link(seen("crm_id=C-1", "email=ann@example.com"))
    store = client.wiring.store
    run(store.put_value(NORMALIZATION_KEY, "1"))
    versions = []
    for _ in range(2):
        # when
        run(client.wiring.prepare())
        run(client.graph.rules_control.applied())
        versions.append(client.ask(RULES)["rules"])
    # then: under the same rules
    assert [rules["version"] for rules in versions] == [2, 2]
    assert versions[0]["text"] == default_text()
    assert versions[0]["progress"]["running"] is False
    assert client.keys_of("email=ann@example.com") == ["crm_id=C-1", "email=ann@example.com"]


def test_a_rollout_that_fails_says_so_and_is_continued_by_the_next_process(
    tmp_path: Path, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    # given: a store that cannot read overrides once
    failures = [ValueError("ann@example.com")]

    class FailingStore(SQLiteStore):
        async def overrides(self, key: str | None, after: tuple[int, str] | None, first: int) -> list:
            if failures:
                raise failures.pop()
            return await super().overrides(key, after, first)

    store = FailingStore(tmp_path / "kith.db")
    client = Client(store, run)
    run(client.wiring.prepare())
    client.link(seen("login=a", "email=a@example.com"))

    async def change() -> None:
        # when
        await client.graph.rules_control.apply(STRICT, 1)
        await client.graph.rules_control.applied()

    run(change())
    # then
    assert client.graph.rules_control.failed
    assert [record.getMessage() for record in caplog.records if record.name == "kith.rules"] == [
        "stored observations could not be reprocessed: ValueError"
    ]
    # when: another process starts
    other = Client(store, run)
    run(other.wiring.prepare())
    run(other.graph.rules_control.applied())
    # then
    assert not other.graph.rules_control.failed
    assert run(store.rules())[0].pending is False
    run(store.close())
