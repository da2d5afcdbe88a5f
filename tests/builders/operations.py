"""GraphQL operations that several journeys send, in addition to those of `Client`."""

from typing import Any

from tests.builders.clients import RESULT, Client, identifiers

ATTRIBUTES = f"mutation($input: RecordAttributesInput!) {{ recordAttributes(input: $input) {{ {RESULT} }} }}"
CONSENTS = f"mutation($input: RecordConsentsInput!) {{ recordConsents(input: $input) {{ {RESULT} }} }}"
INTERACTIONS = f"mutation($input: RecordInteractionsInput!) {{ recordInteractions(input: $input) {{ {RESULT} }} }}"
REVOKE = """mutation($o: [ObservationKeyInput!]!) { revokeObservations(input: {observations: $o}) {
  results { __typename } } }"""
OVERRIDE = """mutation($input: %s!) { %s(input: $input) {
  override { id kind actor reason } created conflict customers { id identifiers { nodes { value } } }
  errors { code } } }"""
"""A mutation on overrides, by its input type and its name."""
UNDO = """mutation($input: UndoMergeInput!) { undoMerge(input: $input) {
  override { id kind a { value } b { value } } customers { id emails { value } }
  notRestored { identifier { value } previousCustomerId currentCustomerId reason } errors { code message } } }"""


def state(client: Client, *keys: str, source: str = "crm", at: str = "2026-01-01T00:00:00Z", **values: Any) -> dict:
    """The result of one statement of `recordAttributes`."""
    statement = {"source": source, "identifiers": identifiers(*keys), "reportedAt": at, **values}
    data = client.ask(ATTRIBUTES, {"input": {"attributes": [statement]}})["recordAttributes"]
    return data["results"][0]


def decide(client: Client, *keys: str, decision: str, at: str, purpose: str = "newsletter", **more: Any) -> dict:
    """The result of one decision of `recordConsents`."""
    consent = {
        "source": "shop",
        "identifiers": identifiers(*keys),
        "decidedAt": at,
        "purpose": purpose,
        "decision": decision,
    }
    data = client.ask(CONSENTS, {"input": {"consents": [consent | more]}})["recordConsents"]
    return data["results"][0]


PROOF = """decisions { source id status decision decidedAt receivedFrom method evidence collectedBy requestedAt
  confirmedAt policyVersion language text { sha256 text recordedBy } tcString log logEntry { place receivedFrom } }
  removed { place receivedFrom } erased { place receivedFrom }"""
"""The fields of a `ConsentProof`."""


def proof(client: Client, key: str, purpose: str = "newsletter") -> dict[str, Any]:
    """The proof of the decisions of an identifier on a purpose."""
    query = f"""query($i: IdentifierInput!, $p: String!) {{
      consent(identifier: $i, purpose: $p) {{ proof {{ {PROOF} }} }} }}"""
    return client.ask(query, {"i": identifiers(key)[0], "p": purpose})["consent"]["proof"]


def interaction(type: str, *keys: str, at: str, source: str = "web", **more: Any) -> dict[str, Any]:
    """An `InteractionInput`."""
    return {"source": source, "type": type, "identifiers": identifiers(*keys), "occurredAt": at, **more}


def record(client: Client, *interactions: dict[str, Any]) -> list[dict[str, Any]]:
    """The results of `recordInteractions`."""
    data = client.ask(INTERACTIONS, {"input": {"interactions": interactions}})["recordInteractions"]
    assert data["errors"] == []
    return data["results"]


def set_override(client: Client, name: str, *keys: str, **more: str) -> dict:
    """The payload of a mutation on the overrides of one identifier or of a pair."""
    refs = identifiers(*keys)
    input_type = f"{name[0].upper()}{name[1:]}Input"
    fields = {"identifier": refs[0]} if len(refs) == 1 else {"a": refs[0], "b": refs[1]}
    return client.ask(OVERRIDE % (input_type, name), {"input": fields | more})[name]


def remove_override(client: Client, id: str) -> dict:
    """The payload of `removeOverride`."""
    mutation = OVERRIDE % ("RemoveOverrideInput", "removeOverride")
    return client.ask(mutation, {"input": {"id": id, "actor": "sue"}})["removeOverride"]
