"""Segments and memberships as plain values."""

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from msgspec import Struct


class Segment(Struct, frozen=True, dict=True):
    """A segment. `rule` is JSON text, `version` rises with every change of it; `created_at` in microseconds."""

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
    """That a customer belongs to a segment since a time (microseconds), or (`None`) does so no more."""

    segment: str
    customer: str
    since: int | None


class Belonging(Struct, frozen=True, gc=False):
    """What is recorded of a customer: its version, whether its id answers for identifiers, and its segments by id."""

    id: str
    version: int
    live: bool
    segments: Mapping[str, int]
    """Segment to since when, in microseconds."""
