"""Restricting customers, lifting restrictions, and the viewers of both sides."""

from typing import Any

from graph.domain.access.scopes import EVERY, RESTRICTED_READ
from graph.domain.access.viewer import Reach, Viewer
from tests.builders.clients import Client, identifiers

RESTRICTION = """restriction { id customerId identifiers { namespace value } reason actor liftedAt liftedBy }
  created errors { code message path }"""
RESTRICT = f"mutation($i: RestrictSubjectInput!) {{ restrictSubject(input: $i) {{ {RESTRICTION} }} }}"
LIFT = f"mutation($i: LiftRestrictionInput!) {{ liftRestriction(input: $i) {{ {RESTRICTION} }} }}"
EVERYBODY_ELSE = Viewer("anybody", "anybody", EVERY - {RESTRICTED_READ}, Reach.ANY)
"""A viewer that may do everything but read the data of restricted customers."""


def restrict(client: Client, key: str, reason: str = "disputes the address", **more: Any) -> dict[str, Any]:
    """The payload of `restrictSubject`."""
    (identifier,) = identifiers(key)
    return client.ask(RESTRICT, {"i": {"by": {"identifier": identifier}, "reason": reason, **more}})["restrictSubject"]


def restricted(client: Client, key: str, **more: Any) -> str:
    """The id of a restriction that is set."""
    payload = restrict(client, key, **more)
    assert payload["errors"] == []
    return payload["restriction"]["id"]


def lift(client: Client, id: str, reason: str = "the address was corrected", **more: Any) -> dict[str, Any]:
    """The payload of `liftRestriction`."""
    return client.ask(LIFT, {"i": {"id": id, "reason": reason, **more}})["liftRestriction"]
