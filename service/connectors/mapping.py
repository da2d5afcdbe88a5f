"""Mappings: which statements each record of another system makes.

A mapping is data, not code: `mapping_file` reads it from TOML. What it makes of a record are records of Kith's own
formats (docs/reference/import-formats.md), so everything behind it is the same for all ways in.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from graph.domain.model.errors import InvalidInput, Problem
from service.connectors.values import Getter, Scope, StepFailed, Value

OBSERVATION, ATTRIBUTES, CONSENT, INTERACTION, SEGMENT, ORDER, PRODUCT, MERGE = KINDS = (
    "observation",
    "attributes",
    "consent",
    "interaction",
    "external_segment",
    "order",
    "product",
    "merge",
)
"""The kinds of statements."""
TIME_FIELDS: Mapping[str, str] = {
    OBSERVATION: "seenAt",
    ATTRIBUTES: "reportedAt",
    CONSENT: "decidedAt",
    INTERACTION: "occurredAt",
    SEGMENT: "reportedAt",
    ORDER: "reportedAt",
    PRODUCT: "reportedAt",
    MERGE: "mergedAt",
}
"""The field with the time of each kind, which the time of the record fills."""
ESSENTIAL: Mapping[str, tuple[str, ...]] = {
    ATTRIBUTES: ("attributes",),
    CONSENT: ("decision", "tcString"),
    SEGMENT: ("segment",),
    ORDER: ("number",),
    PRODUCT: ("sku",),
    INTERACTION: ("type",),
    OBSERVATION: (),
    MERGE: ("kept", "merged"),
}
"""Without one of these fields in the record, of a merge without both, it makes no statement of the kind."""
WITHOUT_ID = (ORDER, PRODUCT, MERGE)
"""Kinds that are known by their number or their ids, not by an id of their own."""
WITHOUT_IDENTIFIERS = (PRODUCT, MERGE)
"""Kinds that name no identifiers beside their fields."""

ROWS = "rows"
"""Where the records of a group are in the record that they make."""

EVENT_ID, EVENT_TIME = "event.id", "event.time"
"""Names beside a record of the id and the time of the event that it came in, for records without their own."""

Fits = Callable[[Scope], bool]
Reader = Callable[[Scope], dict[str, Any]]
"""Reads values by name; those that are missing are left out."""


class MappedStatement(Struct, frozen=True):
    """What one statement of a mapping makes of a record: the fields of Kith's own format, or the problem with it.

    `sources` are the paths that each field was read from, for messages.
    """

    kind: str
    fields: dict[str, Any]
    problem: Problem | None = None
    has_own_time: bool = True
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class StatementMapping(Struct, frozen=True):
    """How records make statements of a kind.

    `fits` says for which records, `each` leads to the entries of a list that make one statement each. `label` is
    added to the id of the record, so that several statements of one record have different ids.
    """

    kind: str
    fits: Fits
    each: Value | None
    label: str
    id: Value | None
    at: Value | None
    party: str
    fields: Mapping[str, Value]
    identifiers: Reader
    attributes: Reader
    properties: Reader
    all_properties: Sequence[Value]
    sources: Mapping[str, tuple[str, ...]]
    needs: frozenset[str] = frozenset()
    """Namespaces of which the record must name one, otherwise it makes no statement."""
    is_numbered: bool = False
    """Whether the entries of the list have no ids of their own, so that their numbers are part of the id."""

    def make(self, scope: Scope) -> Iterator[MappedStatement]:
        """Yield the statements that a record makes."""
        if self.each is None:
            if (made := self._one(scope, "")) is not None:
                yield made
            return
        try:
            entries = self.each.get(scope)
        except StepFailed as error:
            yield MappedStatement(self.kind, {}, Problem("INVALID_FIELD", str(error), ("each",)))
            return
        for position, entry in enumerate(
            entries if isinstance(entries, list) else [] if entries is None else [entries]
        ):
            made = self._one(Scope(entry, scope.beside, scope.root), f"/{position}" if self.is_numbered else "")
            if made is not None:
                yield made

    def _one(self, scope: Scope, suffix: str) -> MappedStatement | None:
        fields: dict[str, Any] = {}
        name = ""
        try:
            for name, value in self.fields.items():
                if (found := value.get(scope)) is not None:
                    fields[name] = found
            name = "attributes"
            attributes = self.attributes(scope)
            name = "properties"
            properties = self._properties(scope)
            name = "identifiers"
            identifiers = self._identifiers(scope)
            if self.needs and not any(one["namespace"] in self.needs for one in identifiers):
                return None
            name = TIME_FIELDS[self.kind]
            time = fields.get(name)
            if time is None:
                time = self.at.get(scope) if self.at is not None else None
                if time is None:
                    time = scope.beside.get(EVENT_TIME)
                if time is not None:
                    fields[name] = time
            name = "id"
            id = self.id.get(scope) if self.id is not None else None
            if id is None:
                id = scope.beside.get(EVENT_ID)
        except StepFailed as error:
            return MappedStatement(self.kind, {}, Problem("INVALID_FIELD", str(error), (name,)))
        if attributes:
            fields["attributes"] = attributes
        essential = ESSENTIAL[self.kind]
        enough = all if self.kind == MERGE else any
        if essential and not enough(name in fields for name in essential):
            return None
        if self.kind == OBSERVATION and not identifiers:
            return None
        if properties:
            fields["properties"] = properties
        if self.kind not in WITHOUT_IDENTIFIERS:
            fields["identifiers"] = identifiers
            if self.party:
                fields["party"] = self.party
        if id is not None and self.kind not in WITHOUT_ID:
            fields["id"] = f"{id}{self.label}{suffix}"
        return MappedStatement(self.kind, fields, None, time is not None, self.sources)

    def _identifiers(self, scope: Scope) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for namespace, raw in self.identifiers(scope).items():
            for one in raw if isinstance(raw, list) else (raw,):
                if one is not None and one != "":
                    found.append({"namespace": namespace, "value": one})
        return found

    def _properties(self, scope: Scope) -> dict[str, Any]:
        properties = self.properties(scope)
        if not self.all_properties:
            return properties
        found: dict[str, Any] = {}
        for value in self.all_properties:
            if isinstance(whole := value.get(scope), dict):
                found.update(whole)
        found.update(properties)
        return found


class RecordMapping(Struct, frozen=True):
    """How the records of a system are mapped. `records` leads from the whole of what it sends to its records.

    `format` is how it is written, `proof` how senders prove who they are, `source` the name of the source that its
    statements have unless something else is chosen. `sent_at` is the clock of the sender. `ping` is how
    a body begins by which a system checks the address. `group_by` is the value by which consecutive records are one.
    """

    name: str
    title: str
    format: str
    statements: tuple[StatementMapping, ...]
    ignored: tuple[Fits, ...] = ()
    records: Getter | None = None
    sent_at: Value | None = None
    source: str = ""
    proof: Mapping[str, Any] = field(default_factory=dict)
    answers_get: bool = False
    paths: frozenset[str] = frozenset()
    """All paths into records that it reads."""
    id: Value | None = None
    """The record's own id."""
    ping: str = ""
    group_by: Value | None = None

    @property
    def paths_beside(self) -> frozenset[str]:
        """The names of what it reads beside records, in lower case with `@`."""
        own = {path.lower() for path in self.paths if path.startswith("@")}
        return frozenset(own | {f"@{EVENT_ID}", f"@{EVENT_TIME}"})

    def id_of(self, record: Any, beside: Mapping[str, Any]) -> str:
        """Return the record's own id; empty if it has none."""
        try:
            found = None if self.id is None else self.id.get(Scope(record, beside, record))
        except StepFailed:
            return ""
        return str(beside.get(EVENT_ID, "") if found is None else found)

    def map(self, record: Any, beside: Mapping[str, Any]) -> list[MappedStatement] | None:
        """Return the statements that a record makes; `None` if the mapping says that it means nothing to Kith."""
        scope = Scope(record, beside, record)
        made = [one for statement in self.statements if statement.fits(scope) for one in statement.make(scope)]
        if not made and any(fits(scope) for fits in self.ignored):
            return None
        return made

    def split(self, content: Any, beside: Mapping[str, Any]) -> tuple[list[Any], Mapping[str, Any]]:
        """Return the records in what was sent, and what came beside them.

        The records are the list that `records` leads to, else the list itself, else all. What stands beside the list,
        such as the time of a batch, is `@body.NAME`.
        """
        found = content
        if self.records is not None:
            try:
                found = self.records(Scope(content, beside, content))
            except StepFailed as error:
                raise InvalidInput("INVALID_BODY", f"the records cannot be read: {error}") from None
            if found is None:
                found = content
            elif isinstance(content, dict):
                beside = {
                    **beside,
                    **{f"body.{name.lower()}": value for name, value in content.items() if not isinstance(value, list)},
                }
        return list(self.grouped(found if isinstance(found, list) else [found], beside)), beside

    def grouped(self, records: Iterable[Any], beside: Mapping[str, Any]) -> Iterator[Any]:
        """Yield records; consecutive ones of one group as one, which is the first with all of them as `rows`."""
        if self.group_by is None:
            yield from records
            return
        rows: list[Any] = []
        current: Any = None
        for record in records:
            group = self.group_of(record, beside)
            if rows and (group is None or group != current):
                yield joined(rows, current)
                rows = []
            rows.append(record)
            current = group
        if rows:
            yield joined(rows, current)

    def group_of(self, record: Any, beside: Mapping[str, Any]) -> Any:
        """Return the group of a record; `None` if it is a record of its own."""
        if self.group_by is None or not isinstance(record, dict):
            return None
        try:
            return self.group_by.get(Scope(record, beside, record))
        except StepFailed:
            return None  # The statements that read the value say what is wrong with it.


def joined(rows: Sequence[Any], group: Any) -> Any:
    """Return the record that consecutive records of a group make: the first, with all of them as `rows`."""
    return rows[0] if group is None else {**rows[0], ROWS: list(rows)}
