"""A customer's timeline: interactions, orders and changes of the customer, in one list, newest first."""

from enum import IntEnum

from msgspec import Struct

from graph.domain.model.changes import Entry
from graph.domain.model.facts import Fact
from graph.domain.model.orders import Order

NO_END = 2**62


class TimelineKind(IntEnum):
    """The kind of an item; of items at the same time, the larger kind is first."""

    INTERACTION = 0
    ORDER = 1
    CHANGE = 2


TimelinePosition = tuple[int, int, str]
"""The position of an item: its time in microseconds, its kind, and its name among items of the same time and kind.

The largest is the newest.
"""


class TimelineEntry(Struct, frozen=True, gc=False):
    """An item of a timeline: the fact of an interaction, an order with its key, or an entry of the history."""

    position: TimelinePosition
    content: Fact | tuple[str, Order] | Entry

    @classmethod
    def interaction(cls, fact: Fact) -> "TimelineEntry":
        """An interaction as an item."""
        return cls((fact.at, TimelineKind.INTERACTION, f"{fact.source} {fact.id}"), fact)

    @classmethod
    def order(cls, key: str, order: Order) -> "TimelineEntry":
        """An order as an item."""
        return cls((order.placed_at, TimelineKind.ORDER, key), (key, order))

    @classmethod
    def change(cls, entry: Entry) -> "TimelineEntry":
        """An entry of the history as an item."""
        return cls((entry.change.recorded_at, TimelineKind.CHANGE, change_name(entry.number)), entry)


def change_name(number: int) -> str:
    """The name of an entry of the history; later entries have larger names."""
    return f"{number:019}"


def bound(kind: TimelineKind, after: TimelinePosition | None, until: int | None) -> tuple[int, str]:
    """The exclusive upper bound of the items of a kind on the next page: a time (microseconds) and a name.

    The page has the items before that time, and of that time those with a smaller name.
    """
    at, name = (NO_END, "") if after is None else (after[0], after[2])
    if after is not None and kind != after[1]:
        # At the same time, all items of smaller kinds follow the position, and those of larger kinds are before it.
        at, name = (at + 1, "") if kind < after[1] else (at, "")
    return (until, "") if until is not None and until <= at else (at, name)
