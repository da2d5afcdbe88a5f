"""The document that an export is: its format, which docs/reference/subject-export.schema.json describes.

Times are texts in ISO 8601, in UTC. Fields may be added to a version of the format; every other change makes a new one.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from graph.domain.export.records import Record

Time = Annotated[str, Meta(description="A time in ISO 8601, in UTC.", examples=["2026-03-01T12:00:00Z"])]
ObservationId = Annotated[str, Meta(description="`revokeObservations` accepts it together with the source.")]


class _Part(Struct, frozen=True, rename="camel"):
    """A part of the document."""


class FormerId(_Part, frozen=True):
    """An id under which the customer was stored before. Null for `until` if the id still leads to the customer."""

    id: str
    until: Time | None


class ExportedCustomer(_Part, frozen=True):
    """The customer. `known` says whether it has an identifier of a known person."""

    id: str
    former_ids: tuple[FormerId, ...]
    known: bool
    created_at: Time


class ExportedIdentifier(_Part, frozen=True):
    """An identifier of the person. Times are null if only an override names it.

    Statements that name only shared identifiers are not in the export: they are about several people.
    """

    namespace: str
    value: str
    first_seen_at: Time | None
    last_seen_at: Time | None
    observation_count: int
    sources: tuple[str, ...]
    shared: bool
    blocked: bool


class ExportedValue(_Part, frozen=True):
    """A value of an attribute: a text, or an address as an object of its parts."""

    value: str | dict[str, str]
    source: str
    party: str
    reported_at: Time
    observation_id: ObservationId


class ExportedAttribute(_Part, frozen=True):
    """An attribute of the profile: the values that are shown, by the rule `precedence`, and those that are not."""

    name: str
    precedence: str
    values: tuple[ExportedValue, ...]
    alternatives: tuple[ExportedValue, ...]


class ExportedDecision(_Part, frozen=True):
    """A decision on a consent, as a source reported it. Without a channel it holds for all channels."""

    decision: str
    channel: str | None
    decided_at: Time
    source: str
    party: str
    policy_version: str
    observation_id: ObservationId


class ExportedConsent(_Part, frozen=True):
    """The consent of an address for a purpose, with all decisions, newest first."""

    namespace: str
    value: str
    purpose: str
    decisions: tuple[ExportedDecision, ...]


class ExportedFigure(_Part, frozen=True):
    """A figure that was calculated about the person, and the rule by which it was; null if it cannot be calculated."""

    name: str
    value: Any
    rule: str


class ExportedSegment(_Part, frozen=True):
    """A segment of customers that the person belongs to, with its rule in the form of `SegmentRuleInput`."""

    name: str
    rule: Any
    entered_at: Time | None


class ExportedOverride(_Part, frozen=True):
    """A decision of a steward on identifiers of the person. Those of others are masked."""

    id: str
    kind: str
    identifiers: tuple[str, ...]
    actor: str
    reason: str
    set_at: Time


class ExportedChange(_Part, frozen=True):
    """An entry of the customer's history. Identifiers of others are masked."""

    number: int
    recorded_at: Time
    kind: str
    customer_id: str
    other_customer_id: str | None
    identifiers: tuple[str, ...]
    reason: str


class Recipient(_Part, frozen=True):
    """Who accessed data of the person, from the audit log: as whom, what for, how often, first and last."""

    caller: str
    role: str
    purpose: str
    kind: str
    count: int
    first_accessed_at: Time
    last_accessed_at: Time


class ExportedDelivery(_Part, frozen=True):
    """An address of the person that a destination holds, or may hold while `certain` is false.

    It belongs to the segment with this id and name, null if it was deleted, and is used for a purpose through a
    channel. `fields` are the attributes that are sent beside it. With `removing`, the destination is to remove it.
    """

    destination: str
    namespace: str
    value: str
    segment_id: str
    segment: str | None
    purpose: str
    channel: str
    fields: tuple[str, ...]
    certain: bool
    removing: bool
    decided_at: Time


class ExportedStatement(_Part, frozen=True):
    """A statement about the person as it was sent, whatever its status.

    `record` has the fields of a line that `kith import` reads. In it, identifiers of others are masked, and with
    `factWithheld` it has no fact: that is about another person, whom the statement names too. `keptUntil` is when it is
    removed because of its age, null if no rule of retention says so; single identifiers and texts may go earlier.
    """

    source: str
    id: ObservationId
    kind: str
    status: str
    party: str
    received_at: Time
    seen_at: Time
    fact_withheld: bool
    record: Record
    kept_until: Time | None = None


class Origin(_Part, frozen=True):
    """A source of statements about the person: how many it sent, and when the first and the last arrived."""

    source: str
    party: str
    count: int
    first_received_at: Time
    last_received_at: Time


class SubjectData(_Part, frozen=True):
    """Everything in an export but the statements, of which there may be many.

    `recipients` is null if no audit log is kept. `deliveries` are the addresses that destinations hold.
    """

    exported_at: Time
    customer: ExportedCustomer
    identifiers: tuple[ExportedIdentifier, ...]
    profile: tuple[ExportedAttribute, ...]
    consents: tuple[ExportedConsent, ...]
    figures: tuple[ExportedFigure, ...]
    segments: tuple[ExportedSegment, ...]
    overrides: tuple[ExportedOverride, ...]
    history: tuple[ExportedChange, ...]
    recipients: tuple[Recipient, ...] | None
    deliveries: tuple[ExportedDelivery, ...]
    format: Literal["kith-subject-export"] = "kith-subject-export"
    version: Literal[1] = 1


class SubjectDocument(SubjectData, frozen=True, kw_only=True):
    """Everything that Kith stores about one person."""

    statements: tuple[ExportedStatement, ...]
    origins: tuple[Origin, ...]
