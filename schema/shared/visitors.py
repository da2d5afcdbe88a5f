"""Visitors of GraphQL documents that look-ahead and execution share."""

from typing import Any

from graphql import Visitor


class Variables(Visitor):
    """Detects whether a document contains variables."""

    def __init__(self) -> None:
        super().__init__()
        self.any = False

    def enter_variable(self, *_: Any) -> None:
        """Note that there is a variable."""
        self.any = True
