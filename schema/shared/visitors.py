"""Visitors over GraphQL documents that look-ahead and execution share."""

from typing import Any

from graphql import (
    Visitor,
)


class Variables(Visitor):
    """Whether there are any variables."""

    def __init__(self) -> None:
        super().__init__()
        self.any = False

    def enter_variable(self, *_: Any) -> None:
        """There are."""
        self.any = True
