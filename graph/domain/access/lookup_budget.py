"""How many customers a caller may look up."""

from collections.abc import Collection
from typing import Protocol


class LookupBudget(Protocol):
    """The look-ups that a caller still has."""

    def spend(self, asked: Collection[str]) -> None:
        """Count look-ups by what was asked for: ids and keys. Raises `TooManyLookups` if the budget is used up."""

    def missed(self, count: int) -> None:
        """Count look-ups that found nobody."""


class Unlimited:
    """The budget of a caller without limits."""

    def spend(self, asked: Collection[str]) -> None:
        """Count nothing."""

    def missed(self, count: int) -> None:
        """Count nothing."""


UNLIMITED = Unlimited()
