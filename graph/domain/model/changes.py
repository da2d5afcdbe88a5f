"""Changes: the entries of the history, with what happened to which customer, when, why and by what cause."""

from enum import Enum

from msgspec import Struct, field
from msgspec.structs import replace

from graph.domain.model.links import LinkReasonCode
from graph.domain.model.observations import Party
from graph.domain.model.sentences import MessageCode, Sentence, sentence_of


class ChangeKind(Enum):
    """What happened. Replaying created, moved, merged, split and emptied changes in order rebuilds the partition."""

    CUSTOMER_CREATED = "customer_created"
    IDENTIFIERS_MOVED = "identifiers_moved"
    CUSTOMERS_MERGED = "customers_merged"
    CUSTOMER_SPLIT = "customer_split"
    CUSTOMER_EMPTIED = "customer_emptied"
    LINK_SUSPENDED = "link_suspended"
    LINK_RESTORED = "link_restored"
    OVERRIDE_SET = "override_set"
    OVERRIDE_REMOVED = "override_removed"
    SEGMENT_ENTERED = "segment_entered"
    SEGMENT_EXITED = "segment_exited"
    SEGMENT_DELETED = "segment_deleted"
    CUSTOMER_ERASED = "customer_erased"
    RESTRICTED = "restricted"
    RESTRICTION_LIFTED = "restriction_lifted"
    DATA_EXPIRED = "data_expired"
    CONSENT_CHANGED = "consent_changed"


class CauseType(Enum):
    """The type of a cause; `RULES_CHANGE` if nothing but the rules has changed."""

    OBSERVATION = "observation"
    REVOCATION = "revocation"
    SOURCE_REVOCATION = "source_revocation"
    SOURCE_RESTORATION = "source_restoration"
    RULES_CHANGE = "rules_change"
    OVERRIDE_SET = "override_set"
    OVERRIDE_REMOVED = "override_removed"
    SEGMENT_EVALUATION = "segment_evaluation"
    ERASURE = "erasure"
    RESTRICTION = "restriction"
    EXPIRY = "expiry"


class Cause(Struct, frozen=True, gc=False):
    """What caused a change: an observation (source, id and party), an override or a restriction (id and actor), a
    segment or an erasure (id), or the expiry of data.

    The revocation of a source, and its restoration, has the source, the id of the revocation and the actor.
    `party` is `None` for a probabilistic observation, and if the cause is not an observation. A cause of type
    `RULES_CHANGE` has only the observation that was reprocessed, if any. `reason` is why an observation was revoked; it
    becomes part of the reasons of the changes, and is not stored with the cause.
    """

    type: CauseType = CauseType.OBSERVATION
    source: str = ""
    id: str = ""
    actor: str = ""
    party: Party | None = None
    reason: str = ""


class Change(Struct, frozen=True, gc=False):
    """One change of the customer `customer`, with `other_customer` if a second one takes part.

    created: `customer` has `keys`. moved: `keys` moved to `customer` from `other_customer` (empty: from none). merged:
    `other_customer` became part of `customer`. split: `keys` moved from `customer` to the new `other_customer`.
    emptied: `keys` belong to no customer anymore. erased: `customer` was erased, and its entries before have lost their
    values. expired: data of `customer` was removed because of its age. consent: other decisions are in effect at `keys`
    of `customer`. entered or exited a segment: `keys` are identifiers of `customer` at that time.

    `reason` says in words what decided; for a segment it is its name.
    `reason_code` is why a link was suspended, or what no longer suspends it. `recorded_at` is in microseconds. A merge
    has the `anchors` that `customer` and `other_customer` had before.
    """

    kind: ChangeKind
    recorded_at: int
    cause: Cause
    customer: str = ""
    other_customer: str = ""
    keys: tuple[str, ...] = field(default=())
    reason: str = ""
    anchors: tuple[str, ...] = field(default=())
    reason_code: LinkReasonCode | None = None


def without_values(change: Change) -> Change:
    """Return a change of a customer whose processing is restricted: kind, time, customers and the type of the cause.

    Which segment the customer exited stays: who follows the feed must be able to act on it.
    """
    if change.kind is ChangeKind.SEGMENT_EXITED:
        return replace(change, keys=())
    reason = Sentence(MessageCode.RESTRICTED)
    return replace(change, cause=Cause(change.cause.type), keys=(), reason=reason, anchors=(), reason_code=None)


RESTRICTION_CHANGES = (ChangeKind.RESTRICTED, ChangeKind.RESTRICTION_LIFTED)
"""The kinds of changes whose reason is what a privacy officer wrote."""
_OVERRIDE_CHANGES = (ChangeKind.OVERRIDE_SET, ChangeKind.OVERRIDE_REMOVED)
SEGMENT_CHANGES = (ChangeKind.SEGMENT_ENTERED, ChangeKind.SEGMENT_EXITED, ChangeKind.SEGMENT_DELETED)
"""The kinds of changes whose reason is the name of a segment."""

_FREE_TEXT_CHANGES = SEGMENT_CHANGES + RESTRICTION_CHANGES


def reason_of(change: Change, unknown: MessageCode = MessageCode.FREE_TEXT) -> Sentence:
    """Return the reason of a change with its parts; `unknown` is the code of a text that is of no known form."""
    for code in (MessageCode.PERSON_ERASED, MessageCode.NAMES_EXPIRED):
        if change.reason == code.value:
            return Sentence(code)
    if change.kind in _OVERRIDE_CHANGES:
        kind, _, text = change.reason.partition(": ")
        if text:
            return Sentence(MessageCode.OVERRIDE, kind=kind, text=text)
        return Sentence(MessageCode.OVERRIDE_WITHOUT_REASON, kind=kind)
    if change.kind not in _FREE_TEXT_CHANGES and (sentence := sentence_of(change.reason)) is not None:
        return sentence
    if unknown is MessageCode.FREE_TEXT:
        return Sentence(unknown, text=change.reason)
    return Sentence(unknown)


class Entry(Struct, frozen=True, gc=False):
    """A change with its number in the history, which has no gaps and follows the order of commits."""

    number: int
    change: Change
