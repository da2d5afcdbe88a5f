"""A server that keeps contacts and static lists as HubSpot does.

Format as in the reference of the CRM API (developers.hubspot.com/docs/api-reference/2026-03/crm/objects/contacts and
crm/lists/memberships, legacy/crm/objects/contacts/gdpr, error-handling). What a multi-status answer looks like is as
users report it: HubSpot/hubspot-api-ruby#403. Whether HubSpot refuses a batch or single contacts of it depends on what
is wrong: a test chooses by `is_multi_status`.
"""

import itertools
import json
import re
from collections.abc import Callable
from typing import Any

from tests.builders.vendor_servers import Received, Reply, VendorServer

TOKEN = "pat-eu1-0123456789"
BUSY = Reply(
    429,
    {
        "status": "error",
        "message": "You have reached your ten_secondly_rolling limit.",
        "errorType": "RATE_LIMIT",
        "policyName": "TEN_SECONDLY_ROLLING",
    },
    {"Retry-After": "10"},
)
MISSING = "Could not get some CONTACT objects, they may be deleted or not exist."
PROPERTIES = {"email", "firstname", "lastname", "kith_vip", "kith_segment", "customer_number", "hs_object_id"}


class Hubspot(VendorServer):
    """`contacts` by Record ID, with their properties; `lists` by number, with Record IDs.

    Contacts whose key `refuses` accepts are not valid.
    """

    def __init__(self, *lists: str) -> None:
        super().__init__()
        self.contacts: dict[str, dict[str, str]] = {}
        self.lists: dict[str, set[str]] = {number: set() for number in lists}
        self.blocked: set[str] = set()
        self.refuses: Callable[[str], bool] = lambda key: False
        self.is_multi_status = True
        self.token = TOKEN
        self._ids = itertools.count(501)

    def contact(self, email: str) -> dict[str, str] | None:
        return next((properties for properties in self.contacts.values() if properties.get("email") == email), None)

    def add(self, **properties: str) -> str:
        """A contact that HubSpot has already; returns its Record ID."""
        id = str(next(self._ids))
        self.contacts[id] = properties
        return id

    def members(self, list_id: str) -> set[str]:
        """The addresses of the contacts in a list."""
        return {self.contacts[id]["email"] for id in self.lists[list_id]}

    def answer(self, request: Received) -> Reply:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return _error(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.")
        # A path of a dated version is that of v3 otherwise.
        path = re.sub(r"^/crm/(objects|lists)/2026-03/", r"/crm/v3/\1/", request.path).removeprefix("/crm/v3/")
        match request.method, path.split("/"):
            case "POST", ["objects", "contacts", "batch", ("upsert" | "update") as action]:
                return self._write(action, request.json["inputs"])
            case "POST", ["objects", "contacts", "batch", "read"]:
                return self._read(request.json)
            case "POST", ["objects", "contacts", "gdpr-delete"]:
                return self._delete(request.json)
            case "PUT", ["lists", number, "memberships", ("add" | "remove") as action]:
                return self._memberships(number, action, request.json)
        return _error(404, "OBJECT_NOT_FOUND", "resource not found")

    def _find(self, field: str | None, value: str) -> str | None:
        if field in (None, "hs_object_id"):
            return value if value in self.contacts else None
        return next((id for id, properties in self.contacts.items() if properties.get(field) == value), None)

    def _write(self, action: str, inputs: list[dict[str, Any]]) -> Reply:
        if len(inputs) > 100:
            return _error(400, "VALIDATION_ERROR", "Batch size too large")
        ids = [entry["id"] for entry in inputs]
        if len(set(ids)) < len(ids):
            return _error(400, "VALIDATION_ERROR", "Duplicate IDs found in batch input. IDs must be unique")
        if unknown := {name for entry in inputs for name in entry["properties"]} - PROPERTIES:
            return _error(400, "VALIDATION_ERROR", f"Property values were not valid: {_unknown(sorted(unknown))}")
        refused = [entry for entry in inputs if self.refuses(entry["id"]) or entry["id"] in self.blocked]
        if refused and not self.is_multi_status:
            return _error(400, "VALIDATION_ERROR", f"Email address {refused[0]['id']} is invalid")
        results, errors = [], []
        for entry in inputs:
            id = self._find(entry.get("idProperty"), entry["id"])
            if entry in refused:
                errors.append(_part("VALIDATION_ERROR", f"Email address {entry['id']} is invalid", entry))
            elif id is None and action == "update":
                errors.append(_part("OBJECT_NOT_FOUND", MISSING, entry, "ids", entry["id"]))
            else:
                id = id or self.add(**{entry["idProperty"]: entry["id"]})
                self.contacts[id] |= entry["properties"]
                result = {"id": id, "properties": {**self.contacts[id], "hs_object_id": id}, "archived": False}
                results.append({**result, "objectWriteTraceId": entry.get("objectWriteTraceId")})
        body: dict[str, Any] = {"status": "COMPLETE", "results": results}
        return Reply(207, {**body, "numErrors": len(errors), "errors": errors}) if errors else Reply(200, body)

    def _read(self, body: dict[str, Any]) -> Reply:
        field = body.get("idProperty")
        found = {entry["id"]: self._find(field, entry["id"]) for entry in body["inputs"]}
        results = [
            {"id": id, "properties": {name: self.contacts[id].get(name) for name in body["properties"]}}
            for id in found.values()
            if id
        ]
        if missing := [key for key, id in found.items() if not id]:
            error = {
                "status": "error",
                "category": "OBJECT_NOT_FOUND",
                "message": MISSING,
                "context": {"ids": missing},
            }
            return Reply(207, {"status": "COMPLETE", "results": results, "numErrors": 1, "errors": [error]})
        return Reply(200, {"status": "COMPLETE", "results": results})

    def _delete(self, body: dict[str, str]) -> Reply:
        id = self._find(body.get("idProperty"), body["objectId"])
        if id is None and body.get("idProperty") != "email":
            return _error(404, "OBJECT_NOT_FOUND", "resource not found")
        if body.get("idProperty") == "email":
            self.blocked.add(body["objectId"])
        if id:
            del self.contacts[id]
            for members in self.lists.values():
                members.discard(id)
        return Reply(204)

    def _memberships(self, number: str, action: str, ids: list[str]) -> Reply:
        if number not in self.lists:
            return _error(404, "OBJECT_NOT_FOUND", f"List does not exist with ID {number}.")
        members = self.lists[number]
        missing = [id for id in ids if id not in self.contacts]
        changed = [id for id in ids if id in self.contacts and (id in members) == (action == "remove")]
        (members.update if action == "add" else members.difference_update)(changed)
        added, removed = (changed, []) if action == "add" else ([], changed)
        return Reply(200, {"recordsIdsAdded": added, "recordIdsRemoved": removed, "recordIdsMissing": missing})


def _part(category: str, message: str, entry: dict[str, Any], of: str = "objectWriteTraceId", id: str = "") -> object:
    context = {of: [id or entry["objectWriteTraceId"]]}
    return {"status": "error", "category": category, "message": message, "context": context}


def _unknown(names: list[str]) -> str:
    code = "PROPERTY_DOESNT_EXIST"
    wrong = [
        {"isValid": False, "message": f'Property "{name}" does not exist', "error": code, "name": name}
        for name in names
    ]
    return json.dumps(wrong, separators=(",", ":"))


def _error(status: int, category: str, message: str) -> Reply:
    correlation = re.sub(r"\W", "", category).lower()
    return Reply(status, {"status": "error", "message": message, "correlationId": correlation, "category": category})
