"""Segments and memberships as plain values."""

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from msgspec import Struct

DUE_FIRST = -1
"""When the segments of a customer are due that must not wait behind others: what may be done with its data changed."""


class Segment(Struct, frozen=True, dict=True):
    """A segment. `rule` is JSON text, `version` increases with every change; `created_at` is in microseconds."""

    id: str
    name: str
    rule: str
    version: int
    created_at: int
    created_by: str = ""

    @cached_property
    def values(self) -> dict[str, Any]:
        """The rule as it was sent."""
        return dict(json.loads(self.rule))


class Membership(Struct, frozen=True, gc=False):
    """The membership of a customer in a segment since a time (microseconds); `None` if it has ended."""

    segment: str
    customer: str
    entered_at: int | None


class SegmentState(Struct, frozen=True, gc=False):
    """A customer as segments see it: its version, whether its id holds identifiers, and its segments by id."""

    id: str
    version: int
    live: bool
    segments: Mapping[str, int]
    """The time since when the customer belongs to each segment, in microseconds."""
    due_at: int | None = None
    """When it is evaluated next, in microseconds."""
