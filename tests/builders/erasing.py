"""Plans and erasures over GraphQL."""

from typing import Any

from tests.builders.clients import Client

PLAN = """mutation($input: PlanErasureInput!) { planErasure(input: $input) { errors { code message path } plan {
  hash customerIds identifiers { namespace value } kept { identifier { namespace value } reason customerIds }
  counts { name count } segments heldOrders heldUntil heldBecause otherCustomerIds mentionedByCustomerIds } } }"""
ERASE = """mutation($input: EraseSubjectInput!) { eraseSubject(input: $input) { errors { code message path } repeated
  erasure { id requestId mode customerIds counts { name count } kept { namespace reason count } heldUntil receipt
    acknowledgements { service } } } }"""

LIFT_SUPPRESSION = "mutation($input: LiftSuppressionInput!) { liftSuppression(input: $input) { errors { code } } }"


def by(key: str) -> dict[str, Any]:
    """A reference to the customer of a key."""
    namespace, _, value = key.partition("=")
    return {"identifier": {"namespace": namespace, "value": value}}


def plan(client: Client, **input: Any) -> dict[str, Any]:
    """The plan of an erasure."""
    payload = client.ask(PLAN, {"input": input})["planErasure"]
    assert payload["errors"] == []
    return payload["plan"]


def erase(client: Client, request_id: str = "r1", **input: Any) -> dict[str, Any]:
    """The record of an erasure, after its plan was confirmed."""
    planned = plan(client, **input)
    payload = client.ask(ERASE, {"input": {**input, "planHash": planned["hash"], "requestId": request_id}})
    assert payload["eraseSubject"]["errors"] == []
    client.clean_up()
    return payload["eraseSubject"]["erasure"]
