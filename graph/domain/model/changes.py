"""Entries of the history: what happened to which customer, when, through whom, and by which rule."""

from enum import Enum

from msgspec import Struct, field


class ChangeKind(Enum):
    """What happened. Applying created, moved, merged, split and emptied in order rebuilds the partition."""

    CREATED = "created"
    MOVED = "moved"
    MERGED = "merged"
    SPLIT = "split"
    EMPTIED = "emptied"
    SUSPENDED = "link_suspended"
    RESTORED = "link_restored"
    MARK_SET = "mark_set"
    MARK_REMOVED = "mark_removed"
    SEGMENT_ENTERED = "segment_entered"
    SEGMENT_LEFT = "segment_left"
    SEGMENT_DELETED = "segment_deleted"


class Cause(Struct, frozen=True, gc=False):
    """Through whom: the observation (source, id and party), the actor and the mark's id, or the segment's id.

    `how` is observed, reread (under other rules), revoked, marked, unmarked or segmented. Where other rules alone
    decided, nothing but that is told.
    """

    how: str = "observed"
    source: str = ""
    id: str = ""
    actor: str = ""
    party: str = ""


class Change(Struct, frozen=True, gc=False):
    """One entry. `customer` is whom it happened to, `other` the second customer of it.

    created: `customer` got `keys`. moved: `keys` came to `customer` from `other` (empty: they were in none). merged:
    `other` went into `customer`. split: `keys` left `customer` for `other`. emptied: `keys` are in no customer any
    more. `rule` says in words what decided; `at` is in microseconds. A merge tells the anchors that `customer` and
    `other` had before it. Of a segment, `rule` is its name.
    """

    kind: ChangeKind
    at: int
    cause: Cause
    customer: str = ""
    other: str = ""
    keys: tuple[str, ...] = field(default=())
    rule: str = ""
    anchors: tuple[str, ...] = field(default=())


class Entry(Struct, frozen=True, gc=False):
    """A change with its number in the history, which has no gaps and follows the order of commits."""

    no: int
    change: Change
