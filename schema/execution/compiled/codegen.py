"""Functions that are written as text: what is the same for each value is decided once, and nothing is looked up."""

from collections.abc import Callable, Iterable
from typing import Any


class Writing:
    """A function of one argument while it is written, and the names for what it uses."""

    def __init__(self, **names: Any) -> None:
        self.names = names

    def name(self, value: Any) -> str:
        """A name for a value that the function uses."""
        name = f"v{len(self.names)}"
        self.names[name] = value
        return name

    def function(self, argument: str, lines: Iterable[str]) -> Callable[[Any], Any]:
        """The function. Its text may hold names of our schema's attributes, and GraphQL names as `repr` writes them:
        nothing else that a caller wrote."""
        text = f"def written({argument}):\n    " + "\n    ".join(lines)
        exec(text, self.names)  # noqa: S102
        written: Callable[[Any], Any] = self.names["written"]
        return written
