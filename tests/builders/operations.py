"""GraphQL operations that several journeys send, beside those of `Client`."""

from typing import Any

from tests.builders.clients import RESULT, Client, identifiers

ATTRIBUTES = f"mutation($input: RecordAttributesInput!) {{ recordAttributes(input: $input) {{ {RESULT} }} }}"
CONSENTS = f"mutation($input: RecordConsentsInput!) {{ recordConsents(input: $input) {{ {RESULT} }} }}"
RECORD = f"mutation($input: RecordInteractionsInput!) {{ recordInteractions(input: $input) {{ {RESULT} }} }}"
REVOKE = """mutation($o: [ObservationKeyInput!]!) { revokeObservations(input: {observations: $o}) {
  results { __typename } } }"""
MARK = """mutation($input: %s!) { %s(input: $input) {
  mark { id kind actor reason } created note customers { id identifiers { nodes { value } } } errors { code } } }"""
UNDO = """mutation($input: UndoChangeInput!) { undoChange(input: $input) {
  mark { id kind a { value } b { value } } customers { id emails { value } }
  stayed { identifier { value } wasWith isWith reason } errors { code message } } }"""


def state(client: Client, *keys: str, source: str = "crm", at: str = "2026-01-01T00:00:00Z", **values: Any) -> dict:
    statement = {"source": source, "identifiers": identifiers(*keys), "statedAt": at, **values}
    data = client.ask(ATTRIBUTES, {"input": {"statements": [statement]}})["recordAttributes"]
    return data["results"][0]


def decide(client: Client, *keys: str, decision: str, at: str, purpose: str = "newsletter", **more: Any) -> dict:
    one = {
        "source": "shop",
        "identifiers": identifiers(*keys),
        "decidedAt": at,
        "purpose": purpose,
        "decision": decision,
    }
    data = client.ask(CONSENTS, {"input": {"decisions": [one | more]}})["recordConsents"]
    return data["results"][0]


def did(type: str, *keys: str, at: str, source: str = "web", **more: Any) -> dict[str, Any]:
    return {"source": source, "type": type, "identifiers": identifiers(*keys), "at": at, **more}


def record(client: Client, *interactions: dict[str, Any]) -> list[dict[str, Any]]:
    data = client.ask(RECORD, {"input": {"interactions": interactions}})["recordInteractions"]
    assert data["errors"] == []
    return data["results"]


def mark(client: Client, name: str, *keys: str, **more: str) -> dict:
    ends = identifiers(*keys)
    kind = "BlockInput" if len(ends) == 1 else "MarkInput"
    fields = {"identifier": ends[0]} if len(ends) == 1 else {"a": ends[0], "b": ends[1]}
    return client.ask(MARK % (kind, name), {"input": fields | more})[name]


def remove(client: Client, id: str) -> dict:
    return client.ask(MARK % ("RemoveMarkInput", "removeMark"), {"input": {"id": id, "actor": "sue"}})["removeMark"]
