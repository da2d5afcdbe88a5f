"""A source's merge of its records makes one customer, in the name of the source, whatever arrives first."""

from pathlib import Path
from typing import Any

import pytest

from graph.ports import Store
from tests.builders.clients import Client
from tests.builders.connectors import BACKEND_KEY, connected, post
from tests.builders.runs import Run

MAPPING = """
title = "Our CRM"
id = "id"
at = "at"

[[statement]]
kind = "observation"
when = { kind = "contact" }
[statement.identifiers]
crm_id = "id"
email = "email"

[[statement]]
kind = "merge"
when = { kind = "merge" }
[statement.fields]
namespace = { value = "crm_id" }
kept = "kept"
merged = "gone"
"""
SOURCES = '[[source]]\nname = "crm"\nmapping = "crm.toml"\nsecrets = ["file:backend-key"]\n'
ANN = {"kind": "contact", "id": "C-1", "at": "2026-01-01T09:00:00Z", "email": "ann@example.com"}
ANNE = {"kind": "contact", "id": "C-2", "at": "2026-01-02T09:00:00Z", "email": "anne@example.com"}
MERGE = {"kind": "merge", "kept": "C-1", "gone": ["C-2", "C-3", "C-1"]}


def crm(store: Store, run: Run, folder: Path, sources: str = SOURCES) -> Client:
    (folder / "crm.toml").write_text(MAPPING)
    return connected(store, run, folder, sources)


def send(client: Client, *records: dict[str, Any]) -> dict[str, Any]:
    answer = post(client, "/in/crm", list(records), key="", authorization=f"Bearer {BACKEND_KEY}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def customer_of(client: Client, value: str) -> str:
    query = 'query($v: String!) {customer(by: {identifier: {namespace: "crm_id", value: $v}}) {id}}'
    return client.ask(query, {"v": value})["customer"]["id"]


@pytest.mark.parametrize("records", [(ANN, ANNE, MERGE), (MERGE, ANNE, ANN)])
def test_the_merged_records_are_one_customer(
    store: Store, run: Run, tmp_path: Path, records: tuple[dict[str, Any], ...]
) -> None:
    # given
    client = crm(store, run, tmp_path)
    # when
    for record in records:
        assert send(client, record)["accepted"] == 1
    # then
    assert customer_of(client, "C-1") == customer_of(client, "C-2")
    query = "{overrides {nodes {kind actor reason}}}"
    assert (
        client.ask(query)["overrides"]["nodes"]
        == [{"kind": "TOGETHER", "actor": "connector:crm", "reason": "merged in Our CRM"}] * 2
    )


def test_a_merge_sent_again_changes_nothing_though_a_steward_took_it_back(
    store: Store, run: Run, tmp_path: Path
) -> None:
    # given
    client = crm(store, run, tmp_path)
    send(client, ANN, ANNE, MERGE)
    for override in client.ask("{overrides {nodes {id}}}")["overrides"]["nodes"]:
        run(client.graph.remove_override(override["id"]))
    # when
    send(client, MERGE)
    # then
    assert client.ask("{overrides {nodes {id}}}")["overrides"]["nodes"] == []
    assert customer_of(client, "C-1") != customer_of(client, "C-2")


def test_a_source_of_another_party_merges_nobody(store: Store, run: Run, tmp_path: Path) -> None:
    # given
    client = crm(store, run, tmp_path, SOURCES + 'party = "second_party"\n')
    # when
    answer = send(client, MERGE)
    # then
    assert answer["refused"] == 1
    assert answer["problems"][0]["code"] == "PARTY_NOT_ALLOWED"


@pytest.mark.parametrize(
    ("record", "code", "message"),
    [
        ({"kind": "merge", "gone": ["C-2"]}, "NOT_MAPPED", "no statement"),
        ({"kind": "merge", "kept": True, "gone": ["C-2"]}, "INVALID_FIELD", "kept: must be an id"),
        ({"kind": "merge", "kept": "C-1", "gone": [{"id": 2}]}, "INVALID_FIELD", "merged: must be an id"),
        ({"kind": "merge", "kept": "C-1", "gone": list(range(1_001))}, "INVALID_FIELD", "1000 are allowed"),
    ],
)
def test_bad_merges_are_refused(
    store: Store, run: Run, tmp_path: Path, record: dict[str, Any], code: str, message: str
) -> None:
    # given
    client = crm(store, run, tmp_path)
    # when
    answer = send(client, record)
    # then
    assert answer["refused"] == 1
    assert answer["problems"][0]["code"] == code
    assert message in answer["problems"][0]["message"]
