"""The history and overrides in Neo4j."""

from collections.abc import Sequence
from typing import Any

from graph.domain.model.change_filter import Selected
from graph.domain.model.changes import Cause, CauseType, Change, ChangeKind, Entry
from graph.domain.model.observations import Party
from graph.domain.model.overrides import Override, OverrideKind
from graph.stores.neo4j import cypher, mapping
from graph.stores.neo4j.connection import Connected
from graph.stores.neo4j.mapping import Properties

HISTORY = cypher.load("history")
_PARTIES: dict[str, Party | None] = {"": None, **{party.name.lower(): party for party in Party}}
_PARTY_TEXTS = {party: text for text, party in _PARTIES.items()}


class HistoryReads(Connected):
    """The part of a `Store` that reads the history and overrides."""

    async def changes(self, after: int, first: int) -> list[Entry]:
        return [entry(record["change"]) for record in await self._read(HISTORY["changes"], after=after, first=first)]

    async def selected_changes(
        self, selected: Selected, low: int, high: int, first: int, newest_first: bool
    ) -> list[Entry]:
        name = "changes_of_customers" if selected.customers else "changes_of_kinds" if selected.kinds else "all_changes"
        values = {
            "ids": sorted(selected.customers),
            "kinds": sorted(kind.value for kind in selected.kinds),
            "low": low,
            "high": high,
            "first": first,
        }
        records = await self._read(HISTORY[f"{name}_newest_first" if newest_first else name], **values)
        return [entry(record["change"]) for record in records]

    async def newest_change(self) -> int:
        (record,) = await self._read(HISTORY["newest_change"])
        return int(record["number"])

    async def history(self, ids: Sequence[str]) -> list[Entry]:
        return [entry(record["change"]) for record in await self._read(HISTORY["history"], ids=list(ids))]

    async def customers_mentioning(self, key: str) -> list[str]:
        return [record["id"] for record in await self._read(HISTORY["customers_mentioning"], key=key)]

    async def overrides(self, key: str | None, after: tuple[int, str] | None, first: int) -> list[Override]:
        at, id = after or (-1, "")
        records = await self._read(HISTORY["overrides"], key=key, at=at, id=id, first=first)
        return [override(record["override"]) for record in records]

    async def override(self, id: str) -> Override | None:
        records = await self._read(HISTORY["override"], id=id)
        return override(records[0]["override"]) if records else None


def override(values: Properties) -> Override:
    """Return the override of a node."""
    return Override(
        values["id"],
        OverrideKind(values["kind"]),
        values["a"],
        values["b"],
        values["actor"],
        values["reason"],
        values["at"],
    )


def override_values(override: Override) -> dict[str, Any]:
    """Return the properties of an override."""
    return {
        "id": override.id,
        "kind": override.kind.value,
        "a": override.a,
        "b": override.b,
        "actor": override.actor,
        "reason": override.reason,
        "at": override.at,
    }


def entry(values: Properties) -> Entry:
    """Return the entry of a change's node."""
    return Entry(
        values["number"],
        Change(
            ChangeKind(values["kind"]),
            values["recorded_at"],
            Cause(
                CauseType(values["cause_type"]),
                values["source"],
                values["cause_id"],
                values["actor"],
                _PARTIES[values["party"]],
            ),
            values["customer"],
            values.get("other_customer") or "",
            tuple(values["keys"]),
            values["reason"],
            tuple(values.get("anchors") or ()),
            mapping.REASON_CODES.get(values.get("reason_code") or ""),
        ),
    )


def change_values(change: Change) -> dict[str, Any]:
    """Return the properties of a change except its number."""
    return {
        "recorded_at": change.recorded_at,
        "kind": change.kind.value,
        "customer": change.customer,
        "other_customer": change.other_customer or None,
        "keys": list(change.keys),
        "reason": change.reason,
        "cause_type": change.cause.type.value,
        "source": change.cause.source,
        "cause_id": change.cause.id,
        "actor": change.cause.actor,
        "party": _PARTY_TEXTS[change.cause.party],
        "anchors": list(change.anchors) or None,
        "reason_code": None if change.reason_code is None else change.reason_code.value,
    }
