"""Salesforce: records of an object with chosen fields, in a campaign or with a field as a flag.

Format as documented for sObject Collections of the REST API (developer.salesforce.com/docs/atlas.en-us.api_rest.meta/
api_rest/resources_composite_sobjects_collections.htm), and as `jsforce` 3.10 and `simple-salesforce` 1.12 send it; no
vendor cloud was called.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from service.destinations.adapter import DONE, MemberUpdate, Outcome, Status, Unavailable
from service.destinations.answer_texts import hidden
from service.destinations.attempts import Batch, Item, json_objects
from service.destinations.field_values import flat
from service.destinations.records import Keys, Record, Refusal, send_together, set_values
from service.destinations.salesforce_api import MAX_RECORDS, Refused, SalesforceApi, SalesforceSettings

ID = "Id"
CAMPAIGN = re.compile(r"701[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?")
"""The ids of campaigns."""
GONE = frozenset({"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND"})
RETRIED = frozenset(
    {
        "QUERY_TIMEOUT",
        "REQUEST_LIMIT_EXCEEDED",
        "REQUEST_RUNNING_TOO_LONG",
        "SERVER_UNAVAILABLE",
        "STORAGE_LIMIT_EXCEEDED",
        "UNABLE_TO_LOCK_ROW",
    }
)
"""Errors that pass, or that an administrator of the org mends."""
ALREADY_MEMBER = "DUPLICATE_VALUE"


class SalesforceAdapter:
    """Upserts records and keeps memberships; an erased one is deleted.

    The `external_id` of an audience is the id of a campaign, the name of a checkbox field, or empty where only fields
    are kept up to date. Records that leave an audience stay.
    """

    batch_size = MAX_RECORDS

    def __init__(self, settings: SalesforceSettings) -> None:
        self._object = settings.object
        self._keys = Keys(settings.keys, ID, settings.id_prefix)
        self._api = SalesforceApi(settings)
        self._empties_bin = settings.empty_recycle_bin
        self.namespaces: frozenset[str] | None = frozenset(settings.keys)

    async def send(self, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        """Delete, then remove, then add."""
        batch = Batch(updates)
        await self._erase(batch, batch.erased)
        await self._remove(batch, batch.removed)
        await self._add(batch, batch.present)
        return batch.outcomes()

    async def poll(self, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        """Nothing is pending at Salesforce: send again."""
        return await self.send(updates)

    async def check(self) -> None:
        """Log in. Raises `Unavailable`."""
        await self._api.check()

    async def close(self) -> None:
        """Close connections."""
        await self._api.close()

    async def _erase(self, batch: Batch, items: Sequence[Item]) -> None:
        records = self._keys.records(items)
        await self._find(batch, records)

        async def request(part: Sequence[Record]) -> Refusal | None:
            rows = [(record, id) for record in part for id in record.ids]
            try:
                results = await self._api.delete([id for _, id in rows], _private(part))
            except Refused as refused:
                return Refusal(refused.message, part)
            if self._empties_bin:
                await self._empty_bin(rows, results, _private(part))
            _judge(rows, results, gone=DONE)
            return None

        await send_together(batch, [record for record in records if record.is_open], request, MAX_RECORDS)
        for record in records:
            record.settle()

    async def _empty_bin(
        self, rows: Sequence[tuple[Record, str]], results: Sequence[Mapping[str, Any]], private: Sequence[str]
    ) -> None:
        """Remove deleted records from the recycle bin. What was deleted before may not be in it anymore."""
        deleted = [row for row, result in zip(rows, results, strict=True) if result.get("success")]
        before = [row for row, result in zip(rows, results, strict=True) if _is_gone(result)]
        try:
            problems = await self._api.empty_recycle_bin([id for _, id in (*deleted, *before)], private)
        except Unavailable as error:
            # The outcome has the id, by which the record is found when it is deleted already.
            for record, _ in (*deleted, *before):
                record.settle(Outcome(Status.RETRY, error.message, retry_after=error.retry_after))
            return
        for (record, _), problem in zip(deleted, problems, strict=False):
            if problem:
                record.settle(Outcome(Status.DEAD, f"deleted, but the recycle bin keeps it: {problem}"))

    async def _remove(self, batch: Batch, items: Sequence[Item]) -> None:
        records = self._keys.records(items)
        await self._find(batch, records)
        set_values(records, _is_flag)
        flagged = [record for record in records if record.is_open and record.values]
        await self._update(batch, flagged, gone=DONE)
        for campaign, members in _campaigns(records).items():

            async def request(campaign: str = campaign, members: list[tuple[Record, Item]] = members) -> None:
                await self._end_memberships(campaign, members)

            await batch.attempt([item for _, item in members], request)
        for record in records:
            record.settle()

    async def _add(self, batch: Batch, items: Sequence[Item]) -> None:
        records = self._keys.records(items)
        set_values(records, _is_flag)
        known = [record for record in records if record.ids]
        await self._update(batch, known, Outcome(Status.DEAD, f"Salesforce has no {self._object} with this Id"))
        fields = dict.fromkeys(record.field for record in records if not record.ids)
        for field in fields:
            await self._upsert(batch, field, [record for record in records if record.field == field])
        for campaign, members in _campaigns(records).items():

            async def request(campaign: str = campaign, members: list[tuple[Record, Item]] = members) -> None:
                await self._begin_memberships(campaign, members)

            await batch.attempt([item for _, item in members], request)
        for record in records:
            record.settle()

    async def _find(self, batch: Batch, records: Sequence[Record]) -> None:
        """Set the ids of records; several have the same value where it need not be unique. Unknown ones are done."""
        unknown: dict[str, list[Record]] = {}
        for record in records:
            if not record.ids:
                unknown.setdefault(record.field, []).append(record)
        for field, of_field in unknown.items():

            async def request(part: Sequence[Record], field: str = field) -> Refusal | None:
                select = f"SELECT Id, {field} FROM {self._object} WHERE"  # noqa: S608 names are checked as settings
                try:
                    found = await self._api.query(select, field, [record.key for record in part], _private(part))
                except Refused as refused:
                    return Refusal(refused.message, part)
                ids: dict[str, list[str]] = {}
                for row in found:
                    ids.setdefault(str(row.get(field)).casefold(), []).append(str(row.get("Id")))
                for record in part:
                    # After a change of its address, the record is found by the id that it had when it was sent.
                    known = [item.update.reference for item in record.items if item.update.reference]
                    record.ids = ids.get(record.key.casefold()) or known[:1]
                    if not record.ids:
                        record.settle()
                return None

            await send_together(batch, of_field, request, MAX_RECORDS)

    async def _update(self, batch: Batch, records: Sequence[Record], gone: Outcome) -> None:
        async def request(part: Sequence[Record]) -> Refusal | None:
            rows = [(record, id) for record in part for id in record.ids]
            bodies = [{"id": id, "attributes": {"type": self._object}, **_values(record)} for record, id in rows]
            try:
                results = await self._api.write("PATCH", "/composite/sobjects", bodies, _private(part))
            except Refused as refused:
                return Refusal(refused.message, part, refused.unknown_fields)
            _judge(rows, results, gone)
            return None

        await send_together(batch, records, request, MAX_RECORDS)

    async def _upsert(self, batch: Batch, field: str, records: Sequence[Record]) -> None:
        async def request(part: Sequence[Record]) -> Refusal | None:
            kind = {"attributes": {"type": self._object}}
            bodies = [{field: record.key, **kind, **_values(record)} for record in part]
            path = f"/composite/sobjects/{self._object}/{field}"
            try:
                results = await self._api.write("PATCH", path, bodies, _private(part))
            except Refused as refused:
                return Refusal(refused.message, part, refused.unknown_fields)
            for record, result in zip(part, results, strict=True):
                record.ids = [str(result["id"])] if result.get("id") else []
            _judge([(record, field) for record in part], results)
            for record in part:
                if record.is_open and not record.ids:
                    record.settle(Outcome(Status.RETRY, "Salesforce did not say which record it is"))
            return None

        await send_together(batch, records, request, MAX_RECORDS)

    async def _begin_memberships(self, campaign: str, members: Sequence[tuple[Record, Item]]) -> None:
        kind = {"attributes": {"type": "CampaignMember"}}
        bodies = [{**kind, "CampaignId": campaign, f"{self._object}Id": record.ids[0]} for record, _ in members]
        private = [value for record, _ in members for value in record.private]
        try:
            results = await self._api.write("POST", "/composite/sobjects", bodies, private)
        except Refused as refused:
            for record, item in members:
                item.outcome = Outcome(Status.DEAD, refused.message, record.reference)
            return
        for (record, item), result in zip(members, results, strict=True):
            outcome = _outcome(result, record)
            is_member = outcome.message.startswith(ALREADY_MEMBER)
            item.outcome = Outcome(Status.DONE, reference=record.reference) if is_member else outcome

    async def _end_memberships(self, campaign: str, members: Sequence[tuple[Record, Item]]) -> None:
        link = f"{self._object}Id"
        select = f"SELECT Id, {link} FROM CampaignMember WHERE CampaignId = '{campaign}' AND"  # noqa: S608 likewise
        private = [value for record, _ in members for value in record.private]
        try:
            found = await self._api.query(select, link, [id for record, _ in members for id in record.ids], private)
            rows = [(str(row.get(link)), str(row.get("Id"))) for row in found]
            results = await self._api.delete([id for _, id in rows], private)
        except Refused as refused:
            for record, item in members:
                item.outcome = Outcome(Status.DEAD, refused.message, record.reference)
            return
        of_record = {id[:15]: pair for pair in members for id in pair[0].ids}
        for (owner, _), result in zip(rows, results, strict=True):
            record, item = of_record[owner[:15]]
            outcome = _outcome(result, record, gone=DONE)
            if outcome.status is not Status.DONE:
                item.outcome = outcome
        for record, item in members:
            item.outcome = item.outcome or Outcome(Status.DONE, reference=record.reference)


def _is_flag(external_id: str) -> bool:
    return bool(external_id) and not CAMPAIGN.fullmatch(external_id)


def _campaigns(records: Sequence[Record]) -> dict[str, list[tuple[Record, Item]]]:
    """The updates of records that wait for a campaign, by its id."""
    campaigns: dict[str, list[tuple[Record, Item]]] = {}
    for record in records:
        for item in record.items:
            if item.is_open and CAMPAIGN.fullmatch(item.update.audience.external_id):
                campaigns.setdefault(item.update.audience.external_id, []).append((record, item))
    return campaigns


def _private(records: Sequence[Record]) -> list[str]:
    return [value for record in records for value in record.private]


def _values(record: Record) -> dict[str, Any]:
    """The fields of a record as Salesforce takes them; a list is one of several chosen values."""
    return {name: flat(value, ";") for name, value in record.values.items()}


def _outcome(result: Mapping[str, Any], record: Record, gone: Outcome | None = None) -> Outcome:
    """What a result says of its record; `gone` is the outcome where that does not exist anymore."""
    if result.get("success"):
        return Outcome(Status.DONE, reference=record.reference)
    error = _error(result)
    code = str(error.get("statusCode", "UNKNOWN_EXCEPTION"))
    if gone is not None and _is_gone(result):
        return gone
    status = Status.RETRY if code in RETRIED else Status.DEAD
    return Outcome(status, hidden(f"{code}: {error.get('message', '')}", record.private), record.reference)


def _error(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first error of a result."""
    return next(iter(json_objects(result.get("errors"))), {})


def _is_gone(result: Mapping[str, Any]) -> bool:
    return _error(result).get("statusCode") in GONE


def _judge(
    rows: Iterable[tuple[Record, object]], results: Sequence[Mapping[str, Any]], gone: Outcome | None = None
) -> None:
    """Settle records of which a row failed, or all rows are gone."""
    failures: dict[Record, list[Outcome | None]] = {}
    for (record, _), result in zip(rows, results, strict=True):
        failure = None if result.get("success") else _outcome(result, record, gone)
        failures.setdefault(record, []).append(failure)
    for record, of_record in failures.items():
        for outcome in of_record:
            if outcome is not None and outcome.status is not Status.DONE:
                record.settle(outcome)
        if all(of_record):
            record.settle()
