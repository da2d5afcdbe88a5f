"""The history in GraphQL."""

import re

import strawberry

from graph.domain.access.scopes import CHANGES_READ, HISTORY_READ
from graph.domain.model.changes import Cause, CauseType, ChangeKind, Entry, reason_of
from graph.domain.model.errors import InvalidInput
from graph.domain.model.sentences import MessageCode, Sentence
from schema.shared.cursors import encode
from schema.shared.derived_fields import derived_field
from schema.shared.enums import describe_enum
from schema.shared.evidence_tier import Party
from schema.shared.link_reason_code import LinkReasonCode
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp
from schema.types.identifier import IdentifierRef
from schema.types.message import PARTS, MessageParts
from schema.types.node import Node

describe_enum(
    ChangeKind,
    "ChangeKind",
    "The kind of a change.",
    CUSTOMER_CREATED="A customer was created with these identifiers.",
    IDENTIFIERS_MOVED="Identifiers moved to the customer, from the other customer or from none.",
    CUSTOMERS_MERGED="The other customer was merged into the customer.",
    CUSTOMER_SPLIT="Identifiers were split off the customer and form the other customer.",
    CUSTOMER_EMPTIED="Identifiers were removed from the customer, because no valid observation mentions them anymore.",
    LINK_SUSPENDED="A link was suspended by stronger links, an override or a guard.",
    LINK_RESTORED="A suspended link became active again.",
    OVERRIDE_SET="A steward set an override.",
    OVERRIDE_REMOVED="A steward removed an override.",
    SEGMENT_ENTERED="The customer entered a segment.",
    SEGMENT_EXITED="The customer left a segment.",
    SEGMENT_DELETED="A segment was deleted, with all its memberships.",
    CUSTOMER_ERASED="The customer was erased: delete your copies, then call `acknowledgeErasure`. Its entries before "
    "have lost their values.",
    RESTRICTED="The processing of the customer was restricted. See `restrictSubject`.",
    RESTRICTION_LIFTED="A restriction of the customer's processing was lifted.",
    DATA_EXPIRED="Data of the customer was removed because of its age. Read the customer again.",
    CONSENT_CHANGED="Another consent decision is in effect at these identifiers, because one was recorded, revoked, "
    "restored or removed. Read it by `consent`.",
)
describe_enum(
    CauseType,
    "ChangeCauseType",
    "What caused a change.",
    OBSERVATION="An observation was recorded.",
    REVOCATION="An observation was revoked.",
    SOURCE_REVOCATION="A source was revoked, for a window of time or for all of it.",
    SOURCE_RESTORATION="A revoked source was restored.",
    RULES_CHANGE="New rules were applied.",
    OVERRIDE_SET="A steward set an override.",
    OVERRIDE_REMOVED="A steward removed an override.",
    SEGMENT_EVALUATION="A segment was evaluated, updated or deleted.",
    ERASURE="A person was erased.",
    RESTRICTION="The processing of a customer was restricted, or a restriction was lifted.",
    EXPIRY="Data has expired. See `retentionRules`.",
)

PREFIX = "chg_"
_ID = re.compile(PREFIX + r"([1-9][0-9]{0,17})")
_OVERRIDE_CAUSES = (CauseType.OVERRIDE_SET, CauseType.OVERRIDE_REMOVED)
_SOURCE_CAUSES = (CauseType.SOURCE_REVOCATION, CauseType.SOURCE_RESTORATION)
MAX_SUMMARY_KEYS = 5
"""Identifiers that a summary names."""
REMOVED_IDENTIFIERS = "removed identifiers"
"""What a summary names in their place."""


def change_id(number: int) -> strawberry.ID:
    """Return the id of an entry of the history."""
    return strawberry.ID(f"{PREFIX}{number}")


def change_number(id: str) -> int:
    """Return the number of the entry with an id; raises `InvalidInput` if it is not the id of a change."""
    match = _ID.fullmatch(id)
    if match is None:
        raise InvalidInput("CHANGE_NOT_FOUND", f"changeId: {id[:60]!r} is not the id of a change", ("changeId",))
    return int(match[1])


@requires(CHANGES_READ, source=HISTORY_READ, observation_id=HISTORY_READ, actor=HISTORY_READ)
@strawberry.type(
    description="What caused a change: an observation, its revocation, that of its source, new rules, an override, a "
    "segment, an erasure, a restriction, or the expiry of data."
)
class ChangeCause:
    """A cause in GraphQL."""

    type: CauseType = strawberry.field(description="The type of the cause.")
    source: str | None = strawberry.field(
        description="The source of the observation, or the source that was revoked or restored. Null if neither is the "
        "cause."
    )
    observation_id: str | None = strawberry.field(
        description="The id of the observation. Null if no observation is the cause."
    )
    party: Party | None = strawberry.field(
        description="How near the source of the observation is. Null for a probabilistic observation, and if no "
        "observation is the cause."
    )
    override_id: strawberry.ID | None = strawberry.field(
        description="The id of the override. Null if no override is the cause."
    )
    segment_id: strawberry.ID | None = strawberry.field(
        description="The id of the segment. Null if no segment is the cause."
    )
    source_revocation_id: strawberry.ID | None = strawberry.field(
        description="The id of the source revocation. Null if no source revocation is the cause."
    )
    erasure_id: strawberry.ID | None = strawberry.field(
        description="The id of the erasure. Null if no erasure is the cause."
    )
    restriction_id: strawberry.ID | None = strawberry.field(
        description="The id of the restriction. Null if no restriction is the cause."
    )
    actor: str | None = strawberry.field(description="The person or API client that caused the change, if recorded.")

    @classmethod
    def of(cls, cause: Cause) -> "ChangeCause":
        """Convert the domain's value."""

        def caused_by(*types: CauseType) -> strawberry.ID | None:
            return strawberry.ID(cause.id) if cause.id and cause.type in types else None

        return cls(
            type=cause.type,
            source=cause.source or None,
            observation_id=caused_by(*_VERBS),
            party=cause.party,
            override_id=caused_by(*_OVERRIDE_CAUSES),
            segment_id=caused_by(CauseType.SEGMENT_EVALUATION),
            source_revocation_id=caused_by(*_SOURCE_CAUSES),
            erasure_id=caused_by(CauseType.ERASURE),
            restriction_id=caused_by(CauseType.RESTRICTION),
            actor=cause.actor or None,
        )


@requires(
    CHANGES_READ,
    identifiers=HISTORY_READ,
    reason=HISTORY_READ,
    reason_parts=HISTORY_READ,
    summary=HISTORY_READ,
    summary_parts=HISTORY_READ,
)
@strawberry.type(description="An entry of the history: a change of customers, links, overrides or segments.")
class Change(Node):
    """A change in GraphQL."""

    id: strawberry.ID = strawberry.field(
        description="The id: opaque, stable and never reused. `undoMerge` accepts the id of a merge."
    )
    cursor: str = strawberry.field(description="The position in the history: `after` of `changes` accepts it.")
    recorded_at: Timestamp = strawberry.field(description="When the change was recorded.")
    kind: ChangeKind = strawberry.field(description="The kind of the change.")
    customer_id: strawberry.ID | None = strawberry.field(description="The id of the customer that changed.")
    other_customer_id: strawberry.ID | None = strawberry.field(
        description="The id of the second customer. E.g. the one that was merged into the first."
    )
    identifiers: list[IdentifierRef] = strawberry.field(
        description="The identifiers that the change affects. For `SEGMENT_ENTERED` and `SEGMENT_EXITED`, addresses "
        "and known identifiers of the customer at that time: up to 100, the strongest first."
    )
    reason: str = strawberry.field(
        description="The reason for the change. E.g. `crm_id=7 and email=ann@example.com were seen together`. Values "
        "that the caller may not read are masked."
    )
    reason_code: LinkReasonCode | None = strawberry.field(
        description="For `LINK_SUSPENDED`, what suspended the link: `LIMIT`, `APART` or `GUARD`. For `LINK_RESTORED`, "
        "what had suspended it. Null for other changes, and for changes that earlier versions recorded."
    )
    cause: ChangeCause = strawberry.field(description="What caused the change.")
    entry: strawberry.Private[Entry]

    @derived_field(f"The reason. {PARTS}")
    def reason_parts(self) -> MessageParts:
        """Return the parts of the reason."""
        return MessageParts.of(reason_of(self.entry.change))

    @derived_field("The change in one sentence. E.g. `cus_b was merged into cus_a by sue: confirmed by phone.`")
    def summary(self) -> str:
        """Return the summary."""
        return str(_summary(self.entry))

    @derived_field(f"The summary. {PARTS}")
    def summary_parts(self) -> MessageParts:
        """Return the parts of the summary."""
        return MessageParts.of(_summary(self.entry))

    @classmethod
    def of(cls, entry: Entry) -> "Change":
        """Convert the domain's value."""
        change = entry.change
        return cls(
            id=change_id(entry.number),
            cursor=encode(entry.number),
            recorded_at=Timestamp(change.recorded_at),
            kind=change.kind,
            customer_id=strawberry.ID(change.customer) if change.customer else None,
            other_customer_id=strawberry.ID(change.other_customer) if change.other_customer else None,
            identifiers=[IdentifierRef.of(key) for key in change.keys],
            reason=str(change.reason),
            reason_code=change.reason_code,
            cause=ChangeCause.of(change.cause),
            entry=entry,
        )


_SUMMARIES = {
    ChangeKind.CUSTOMER_CREATED: MessageCode.CREATED,
    ChangeKind.IDENTIFIERS_MOVED: MessageCode.MOVED,
    ChangeKind.CUSTOMERS_MERGED: MessageCode.MERGED,
    ChangeKind.CUSTOMER_SPLIT: MessageCode.SPLIT,
    ChangeKind.CUSTOMER_EMPTIED: MessageCode.EMPTIED,
    ChangeKind.LINK_SUSPENDED: MessageCode.LINK_SUSPENDED,
    ChangeKind.LINK_RESTORED: MessageCode.LINK_RESTORED,
    ChangeKind.OVERRIDE_SET: MessageCode.OVERRIDE_SET,
    ChangeKind.OVERRIDE_REMOVED: MessageCode.OVERRIDE_REMOVED,
    ChangeKind.RESTRICTED: MessageCode.CUSTOMER_RESTRICTED,
    ChangeKind.RESTRICTION_LIFTED: MessageCode.RESTRICTION_LIFTED,
    ChangeKind.CONSENT_CHANGED: MessageCode.CONSENT_CHANGED,
}
_JOINED_BY_AND = frozenset(_SUMMARIES) - {
    ChangeKind.CUSTOMER_CREATED,
    ChangeKind.IDENTIFIERS_MOVED,
    ChangeKind.CUSTOMERS_MERGED,
    ChangeKind.CUSTOMER_SPLIT,
    ChangeKind.CUSTOMER_EMPTIED,
    ChangeKind.CONSENT_CHANGED,
}
"""The kinds of changes of one or two identifiers."""


def _summary(entry: Entry) -> Sentence:
    change = entry.change
    customer, other_customer = change.customer, change.other_customer
    match change.kind:
        case ChangeKind.SEGMENT_ENTERED:
            return Sentence(MessageCode.ENTERED_SEGMENT, customer=customer, segment=change.reason)
        case ChangeKind.SEGMENT_EXITED:
            return Sentence(MessageCode.LEFT_SEGMENT, customer=customer, segment=change.reason)
        case ChangeKind.SEGMENT_DELETED:
            return Sentence(MessageCode.SEGMENT_DELETED, segment=change.reason, actor=change.cause.actor)
        case ChangeKind.CUSTOMER_ERASED:
            return Sentence(MessageCode.ERASED, customer=customer)
        case ChangeKind.DATA_EXPIRED:
            return Sentence(MessageCode.EXPIRED, customer=customer)
    code = _SUMMARIES[change.kind]
    if code is MessageCode.MOVED and other_customer:
        code = MessageCode.MOVED_FROM
    if change.kind in _JOINED_BY_AND:
        keys = " and ".join(change.keys)
    else:
        hidden = len(change.keys) - MAX_SUMMARY_KEYS
        keys = ", ".join(change.keys[:MAX_SUMMARY_KEYS]) + (f" and {hidden} more" if hidden > 0 else "")
    parameters = {
        "customer": customer,
        "other_customer": other_customer,
        "identifiers": keys or REMOVED_IDENTIFIERS,
        "cause": _by(change.cause),
        "reason": change.reason,
    }
    return Sentence(code, **{name: value for name, value in parameters.items() if f"{{{name}}}" in code.value})


_VERBS = {
    CauseType.OBSERVATION: "recorded",
    CauseType.REVOCATION: "revoked",
    CauseType.RULES_CHANGE: "processed under new rules",
}
_REMOVALS = {CauseType.ERASURE: "a person was erased", CauseType.EXPIRY: "data has expired"}


def _by(cause: Cause) -> str:
    if cause.type in _SOURCE_CAUSES:
        verb = "revoked" if cause.type is CauseType.SOURCE_REVOCATION else "restored"
        return f" (source {cause.source} was {verb}{f' by {cause.actor}' if cause.actor else ''})"
    if cause.actor:
        return f" by {cause.actor}"
    if cause.type in _REMOVALS:
        return f" ({_REMOVALS[cause.type]})"
    if not cause.id or cause.type in _OVERRIDE_CAUSES:
        # Who may not read what is behind a change learns no cause. Overrides that an erasure removes have no actor.
        return " (new rules)" if cause.type is CauseType.RULES_CHANGE else ""
    return f" (observation {cause.id} of {cause.source} was {_VERBS[cause.type]})"
