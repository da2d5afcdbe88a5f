"""A customer's timeline: interactions, orders and what happened to the customer, in one list, newest first."""

from enum import IntEnum

from msgspec import Struct

from graph.domain.model.changes import Entry
from graph.domain.model.facts import Told
from graph.domain.model.orders import Order

NO_END = 2**62


class TimelineKind(IntEnum):
    """What an item is; of the same time the larger comes first."""

    INTERACTION = 0
    ORDER = 1
    CHANGE = 2


Place = tuple[int, int, str]
"""The place of an item: its time in microseconds, its kind, and its name among those of the same kind and time.

The largest is the newest.
"""


class Moment(Struct, frozen=True, gc=False):
    """An item of a timeline: a fact of an interaction, an order with its key, or an entry of the history."""

    place: Place
    what: Told | tuple[str, Order] | Entry

    @classmethod
    def interaction(cls, told: Told) -> "Moment":
        """An interaction as an item."""
        return cls((told.at, TimelineKind.INTERACTION, f"{told.source} {told.id}"), told)

    @classmethod
    def order(cls, key: str, order: Order) -> "Moment":
        """An order as an item."""
        return cls((order.placed_at, TimelineKind.ORDER, key), (key, order))

    @classmethod
    def change(cls, entry: Entry) -> "Moment":
        """An entry of the history as an item."""
        return cls((entry.change.at, TimelineKind.CHANGE, change_name(entry.no)), entry)


def change_name(no: int) -> str:
    """The name of an entry of the history; the later, the larger."""
    return f"{no:019}"


def bound(kind: TimelineKind, after: Place | None, until: int | None) -> tuple[int, str]:
    """Where the items of a kind begin: those of an earlier time than this, and of this time those of a smaller name."""
    at, name = (NO_END, "") if after is None else (after[0], after[2])
    if after is not None and kind != after[1]:
        # Of the same time, smaller kinds are still to come, and larger ones are done with.
        at, name = (at + 1, "") if kind < after[1] else (at, "")
    return (until, "") if until is not None and until <= at else (at, name)
