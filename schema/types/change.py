"""The history in GraphQL."""

import re

import strawberry

from graph.domain.model.changes import Cause, ChangeKind, Entry
from graph.domain.model.errors import InvalidInput
from schema.shared.cursors import encode
from schema.shared.enums import described
from schema.shared.scalars import Timestamp
from schema.types.identifier import IdentifierName
from schema.types.node import Node

described(
    ChangeKind,
    "ChangeKind",
    "What happened.",
    CREATED="A customer came to be, with these identifiers.",
    MOVED="Identifiers came to the customer, from the other one or from none.",
    MERGED="The other customer went into the customer.",
    SPLIT="Identifiers left the customer for the other one.",
    EMPTIED="Identifiers are in no customer any more: nothing valid names them.",
    SUSPENDED="A link lost to stronger ones or to a mark.",
    RESTORED="A link that had lost holds again.",
    MARK_SET="A steward set a mark.",
    MARK_REMOVED="A steward removed a mark.",
    SEGMENT_ENTERED="The customer came to belong to a segment.",
    SEGMENT_LEFT="The customer ceased to belong to a segment.",
    SEGMENT_DELETED="A segment was let go, and with it all its members.",
)

PREFIX = "chg_"
_ID = re.compile(PREFIX + r"([1-9][0-9]{0,17})")


def change_id(no: int) -> strawberry.ID:
    """The id of an entry."""
    return strawberry.ID(f"{PREFIX}{no}")


def change_no(id: str) -> int:
    """The number of an entry's id; raises where it is none."""
    found = _ID.fullmatch(id)
    if found is None:
        raise InvalidInput("UNKNOWN_CHANGE", f"change: {id[:60]!r} is no change", ("change",))
    return int(found[1])


@strawberry.type(
    description="Through whom a change came: an observation, its revocation, other rules, a steward, or a segment."
)
class ChangeCause:
    """A cause in GraphQL."""

    how: str = strawberry.field(
        description="`observed`, `reread` under other rules, `revoked`, `marked`, `unmarked` or `segmented`."
    )
    source: str | None = strawberry.field(description="The source of the observation.")
    observation_id: str | None = strawberry.field(description="The id of the observation.")
    party: str | None = strawberry.field(description="`first`, `second`, `third` or `statistical`.")
    mark_id: strawberry.ID | None = strawberry.field(description="The steward's mark.")
    segment_id: strawberry.ID | None = strawberry.field(description="The segment.")
    actor: str | None = strawberry.field(description="Who did it, where a person did.")

    @classmethod
    def of(cls, cause: Cause) -> "ChangeCause":
        """From the domain's value."""
        marked, segmented = cause.how in ("marked", "unmarked"), cause.how == "segmented"
        return cls(
            how=cause.how,
            source=cause.source or None,
            observation_id=None if marked or segmented else cause.id or None,
            party=cause.party or None,
            mark_id=strawberry.ID(cause.id) if marked else None,
            segment_id=strawberry.ID(cause.id) if segmented else None,
            actor=cause.actor or None,
        )


@strawberry.type(description="One entry of the history.")
class Change(Node):
    """A change in GraphQL."""

    id: strawberry.ID = strawberry.field(description="For `undoChange`; lasting.")
    cursor: str = strawberry.field(description="For `changes(since:)`: the feed goes on behind this entry.")
    at: Timestamp = strawberry.field(description="When it was recorded.")
    kind: ChangeKind = strawberry.field(description="What happened.")
    customer_id: strawberry.ID | None = strawberry.field(description="To whom.")
    other_id: strawberry.ID | None = strawberry.field(description="The other customer of it.")
    identifiers: list[IdentifierName] = strawberry.field(description="The identifiers that it is about.")
    rule: str = strawberry.field(description="What decided.")
    cause: ChangeCause = strawberry.field(description="Through whom.")
    sentence: str = strawberry.field(description="All of it in one plain sentence.")

    @classmethod
    def of(cls, entry: Entry) -> "Change":
        """From the domain's value."""
        change = entry.change
        return cls(
            id=change_id(entry.no),
            cursor=encode(entry.no),
            at=Timestamp(change.at),
            kind=change.kind,
            customer_id=strawberry.ID(change.customer) if change.customer else None,
            other_id=strawberry.ID(change.other) if change.other else None,
            identifiers=[IdentifierName.of(key) for key in change.keys],
            rule=change.rule,
            cause=ChangeCause.of(change.cause),
            sentence=_sentence(entry),
        )


def _sentence(entry: Entry) -> str:
    change = entry.change
    keys = ", ".join(change.keys[:5]) + (f" and {len(change.keys) - 5} more" if len(change.keys) > 5 else "")
    match change.kind:
        case ChangeKind.SEGMENT_ENTERED:
            return f"{change.customer} entered the segment {change.rule}."
        case ChangeKind.SEGMENT_LEFT:
            return f"{change.customer} left the segment {change.rule}."
        case ChangeKind.SEGMENT_DELETED:
            return f"the segment {change.rule} was deleted by {change.cause.actor}."
        case ChangeKind.CREATED:
            what = f"{change.customer} was created with {keys}"
        case ChangeKind.MOVED:
            what = f"{keys} came to {change.customer}" + (f" from {change.other}" if change.other else "")
        case ChangeKind.MERGED:
            what = f"{change.other} was merged into {change.customer}"
        case ChangeKind.SPLIT:
            what = f"{keys} left {change.customer} for {change.other}"
        case ChangeKind.EMPTIED:
            what = f"{keys} left {change.customer} and are in no customer any more"
        case ChangeKind.SUSPENDED:
            what = f"the link between {' and '.join(change.keys)} was suspended"
        case ChangeKind.RESTORED:
            what = f"the link between {' and '.join(change.keys)} holds again"
        case ChangeKind.MARK_SET:
            what = f"a mark was set on {' and '.join(change.keys)}"
        case ChangeKind.MARK_REMOVED:
            what = f"a mark was removed from {' and '.join(change.keys)}"
    return f"{what}{_by(change.cause)}: {change.rule}."


def _by(cause: Cause) -> str:
    if cause.actor:
        return f" by {cause.actor}"
    return f" (observation {cause.id} of {cause.source}, {cause.how})" if cause.id else " (under other rules)"
