"""HubSpot: contacts with chosen properties, in a list or with a property as a flag.

Format as documented for the CRM API 2026-03 (developers.hubspot.com/docs/api-reference/2026-03/crm/objects/contacts and
crm/lists), and as HubSpot's own client `hubspot-api-client` 12.0.0 sends it to v3; no vendor cloud was called.
"""

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Any, Literal

from pydantic import Field

from service.config.destinations_file import Secret
from service.destinations.adapter import DONE, MemberUpdate, Outcome, Status
from service.destinations.answer_texts import hidden
from service.destinations.attempts import Batch, Item, json_object, json_objects
from service.destinations.field_values import text
from service.destinations.http import Answer, HttpClient, HttpSettings, Url
from service.destinations.records import Keys, Record, Refusal, send_together, set_values

MAX_RECORDS = 100
"""Contacts in a request."""
RECORD_ID = "hs_object_id"
RETRIED = frozenset({"RATE_LIMITS", "INTERNAL_ERROR", "TIMEOUT"})
"""Categories of errors that pass."""
NOT_FOUND = "OBJECT_NOT_FOUND"
UNKNOWN_PROPERTY = "PROPERTY_DOESNT_EXIST"
_UNKNOWN_PROPERTY = re.compile(rf'"error":"{UNKNOWN_PROPERTY}","name":"(\w+)"')


class HubspotSettings(HttpSettings):
    """The settings of an account of HubSpot."""

    type: Literal["hubspot"]
    """The type of the destination."""
    access_token: Secret
    """A service key of the account, or the access token of a private app."""
    url: Url = "https://api.hubapi.com"
    """The address of the API."""
    api_version: Annotated[str, Field(pattern=r"^(v3|20\d\d-(03|09))$")] = "2026-03"
    """The version of the CRM API: a date such as `2026-03`, or `v3`, which HubSpot supports until September 2027."""
    keys: Annotated[dict[str, str], Field(min_length=1, max_length=20)] = Field(default={"email": "email"})
    """By namespace, the property by which HubSpot finds a contact: `email`, a property with unique values, or
    `hs_object_id`, which is the Record ID."""
    id_prefix: Annotated[str, Field(max_length=100)] = ""
    """What Record IDs begin with in Kith, as the connector of HubSpot wrote them."""


class HubspotAdapter:
    """Upserts contacts and keeps memberships; an erased one is deleted as the GDPR demands.

    The `external_id` of an audience is the number of a static list, the name of a property with the values true and
    false, or empty where only properties are kept up to date. Contacts that leave an audience stay contacts.
    """

    batch_size = MAX_RECORDS

    def __init__(self, settings: HubspotSettings) -> None:
        token = settings.access_token.get_secret_value()
        self._headers = {"Authorization": f"Bearer {token}"}
        crm, version = settings.url.rstrip("/") + "/crm", settings.api_version
        self._contacts = f"{crm}/v3/objects/contacts" if version == "v3" else f"{crm}/objects/{version}/contacts"
        self._lists = f"{crm}/v3/lists" if version == "v3" else f"{crm}/lists/{version}"
        # It is documented for this version only.
        self._deletion = f"{crm}/v3/objects/contacts/gdpr-delete"
        self._keys = Keys(settings.keys, RECORD_ID, settings.id_prefix)
        self._client = HttpClient(settings.timeout_seconds, (token,))
        self.namespaces: frozenset[str] | None = frozenset(settings.keys)

    async def send(self, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        """Delete, then remove, then add."""
        batch = Batch(updates)
        await self._erase(batch, batch.erased)
        await self._remove(batch, batch.removed)
        await self._add(batch, batch.present)
        return batch.outcomes()

    async def poll(self, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        """Nothing is pending at HubSpot: send again."""
        return await self.send(updates)

    async def close(self) -> None:
        """Close connections."""
        await self._client.close()

    async def _erase(self, batch: Batch, items: Sequence[Item]) -> None:
        records = self._keys.records(items)
        await self._find(batch, [record for record in records if record.field != "email"])
        for record in records:
            if record.is_open:

                async def request(record: Record = record) -> None:
                    # By its address, HubSpot also keeps out contacts that it does not have yet.
                    by = {"objectId": record.key, "idProperty": "email"}
                    body = by if record.field == "email" else {"objectId": record.ids[0]}
                    answer = await self._request("POST", self._deletion, body, record.private)
                    record.settle(DONE if answer.status == 404 else answer.outcome(record.private))

                await batch.attempt(record.items, request)

    async def _remove(self, batch: Batch, items: Sequence[Item]) -> None:
        records = self._keys.records(items)
        await self._find(batch, records)
        set_values(records, _is_property)

        async def request(part: Sequence[Record]) -> Refusal | None:
            return await self._write("update", part, missing=DONE)

        flagged = [record for record in records if record.is_open and record.values]
        await send_together(batch, flagged, request, MAX_RECORDS)
        await self._change_lists(batch, records, "remove")

    async def _add(self, batch: Batch, items: Sequence[Item]) -> None:
        records = self._keys.records(items)
        set_values(records, _is_property)

        async def update(part: Sequence[Record]) -> Refusal | None:
            return await self._write("update", part, Outcome(Status.DEAD, "HubSpot has no contact with this Record ID"))

        async def upsert(part: Sequence[Record]) -> Refusal | None:
            return await self._write("upsert", part, Outcome(Status.RETRY, "HubSpot did not find the contact"))

        await send_together(batch, [record for record in records if record.ids], update, MAX_RECORDS)
        await send_together(batch, [record for record in records if not record.ids], upsert, MAX_RECORDS)
        await self._change_lists(batch, records, "add")

    async def _find(self, batch: Batch, records: Sequence[Record]) -> None:
        """Set the ids of records. Those that HubSpot does not have are done."""
        unknown: dict[str, list[Record]] = {}
        for record in records:
            if record.is_open and not record.ids:
                unknown.setdefault(record.field, []).append(record)
        for field, of_field in unknown.items():

            async def request(part: Sequence[Record], field: str = field) -> Refusal | None:
                keys = [{"id": record.key} for record in part]
                body = {"idProperty": field, "inputs": keys, "properties": [field]}
                private = [value for record in part for value in record.private]
                answer = await self._request("POST", f"{self._contacts}/batch/read", body, private)
                if not answer.is_success:
                    return Refusal(answer.message(private), part)
                found = {_property(result, field): str(result.get("id")) for result in _results(answer)}
                for record in part:
                    # After a change of its address, the contact is found by the id that it had when it was sent.
                    known = (item.update.reference for item in record.items)
                    if id := found.get(record.key.casefold()) or next(filter(None, known), ""):
                        record.ids = [id]
                    else:
                        record.settle()
                return None

            await send_together(batch, of_field, request, MAX_RECORDS)

    async def _write(self, action: str, records: Sequence[Record], missing: Outcome) -> Refusal | None:
        """Update or upsert contacts, and set their ids; `missing` is the outcome of those that do not exist."""
        private = [value for record in records for value in record.private]
        inputs = [_input(record, action, number) for number, record in enumerate(records)]
        answer = await self._request("POST", f"{self._contacts}/batch/{action}", {"inputs": inputs}, private)
        if not answer.is_success:
            return Refusal(_message(answer, private), records, _unknown_properties(answer))
        rest = set(records)
        traced = {str(number): record for number, record in enumerate(records)}
        named = {id: record for record in records for id in (record.key.casefold(), *record.ids)}
        for result in _results(answer):
            record = traced.get(str(result.get("objectWriteTraceId"))) or named.get(str(result.get("id")))
            record = record or named.get(_property(result, records[0].field))
            if record is not None and record in rest and result.get("id"):
                record.ids = [str(result.get("id"))]
                rest.discard(record)
        left = ""
        for error in json_objects(json_object(answer).get("errors")):
            blamed = [traced.get(trace) for trace in _context(error, "objectWriteTraceId")]
            blamed += [named.get(id.casefold()) for id in _context(error, "ids")]
            if not any(blamed):
                left = f"{answer.status}: {_sentence(error.get('message'), private)}"
            for record in filter(None, blamed):
                record.settle(_error(error, missing, record.private))
                rest.discard(record)
        if rest and left:
            return Refusal(left, [record for record in records if record in rest])
        for record in rest:
            record.settle(Outcome(Status.RETRY, f"{answer.status}: HubSpot did not say what became of the contact"))
        return None

    async def _change_lists(self, batch: Batch, records: Sequence[Record], action: str) -> None:
        """Add contacts to their lists, or remove them; then all is done for the records."""
        members: dict[str, list[tuple[Record, Item]]] = {}
        for record in records:
            for item in record.items:
                if item.is_open and item.update.audience.external_id.isdecimal():
                    members.setdefault(item.update.audience.external_id, []).append((record, item))
        for list_id, of_list in members.items():

            async def request(list_id: str = list_id, of_list: list[tuple[Record, Item]] = of_list) -> None:
                ids = [record.ids[0] for record, _ in of_list]
                private = [value for _, item in of_list for value in item.private]
                answer = await self._request("PUT", f"{self._lists}/{list_id}/memberships/{action}", ids, private)
                is_gone = action == "remove" and answer.status == 404
                missing = _strings(json_object(answer).get("recordIdsMissing")) if answer.is_success else []
                for record, item in of_list:
                    if not answer.is_success and not is_gone:
                        item.outcome = Outcome(Status.DEAD, answer.message(private), record.ids[0])
                    elif action == "add" and record.ids[0] in missing:
                        item.outcome = Outcome(Status.RETRY, "HubSpot did not find the contact", record.ids[0])

            await batch.attempt([item for _, item in of_list], request)
        for record in records:
            record.settle()

    async def _request(self, method: str, url: str, body: Any, private: Sequence[str]) -> Answer:
        return await self._client.request(method, url, json=body, headers=self._headers, private=private)


def _is_property(external_id: str) -> bool:
    return bool(external_id) and not external_id.isdecimal()


def _input(record: Record, action: str, number: int) -> dict[str, Any]:
    """A contact of a request; by `objectWriteTraceId`, the answer tells which contacts were refused."""
    properties = {name: text(value, ";") for name, value in record.values.items()}
    if action == "update":
        return {"id": record.ids[0], "properties": properties, "objectWriteTraceId": str(number)}
    return {"idProperty": record.field, "id": record.key, "properties": properties, "objectWriteTraceId": str(number)}


def _results(answer: Answer) -> list[dict[str, Any]]:
    return json_objects(json_object(answer).get("results"))


def _property(result: Mapping[str, Any], name: str) -> str:
    properties = result.get("properties")
    return str(properties.get(name, "")).casefold() if isinstance(properties, dict) else ""


def _context(error: Mapping[str, Any], name: str) -> list[str]:
    context = error.get("context")
    return _strings(context.get(name)) if isinstance(context, dict) else []


def _strings(values: object) -> list[str]:
    return [str(value) for value in values] if isinstance(values, list) else []


def _error(error: Mapping[str, Any], missing: Outcome, private: Sequence[str]) -> Outcome:
    """What an error of a multi-status answer means for its contacts."""
    if error.get("category") == NOT_FOUND:
        return missing
    status = Status.RETRY if error.get("category") in RETRIED else Status.DEAD
    return Outcome(status, _sentence(error.get("message"), private))


def _message(answer: Answer, private: Sequence[str]) -> str:
    body = json_object(answer) if answer.body.startswith(b"{") else {}
    said = _sentence(body.get("message"), private)
    return f"{answer.status}: {said}" if said else answer.message(private)


def _sentence(message: object, private: Sequence[str]) -> str:
    """A message of HubSpot, in which the properties that are wrong may be a list in JSON, as text."""
    text = message if isinstance(message, str) else ""
    start, bracket, rest = text.partition(": [")
    if bracket:
        with suppress(ValueError):
            wrong = json_objects(json.loads(f"[{rest}"))
            text = f"{start}: " + "; ".join(f"{entry.get('name')}: {entry.get('message')}" for entry in wrong)
    return hidden(text, private)


def _unknown_properties(answer: Answer) -> frozenset[str]:
    """The properties of a request that HubSpot does not have, which errors name, or only the text of the message."""
    body = json_object(answer) if answer.body.startswith(b"{") else {}
    errors = [error for error in json_objects(body.get("errors")) if error.get("code") == UNKNOWN_PROPERTY]
    named = [name for error in errors for name in _context(error, "propertyName")]
    return frozenset([*named, *_UNKNOWN_PROPERTY.findall(str(body.get("message")))])
