"""Generates functions from text, so that decisions that are the same for every value are made once."""

from collections.abc import Callable, Iterable
from typing import Any


class FunctionWriter:
    """Writes a function of one argument and assigns names to the values that it uses."""

    def __init__(self, **names: Any) -> None:
        self.names = names

    def name(self, value: Any) -> str:
        """Return a name for a value that the function uses."""
        name = f"v{len(self.names)}"
        self.names[name] = value
        return name

    def function(self, argument: str, lines: Iterable[str]) -> Callable[[Any], Any]:
        """Compile the function.

        Its text may contain attribute names of this project's schema, and GraphQL names written by `repr`, but nothing
        else that a caller sent.
        """
        text = f"def generated({argument}):\n    " + "\n    ".join(lines)
        exec(text, self.names)  # noqa: S102
        generated: Callable[[Any], Any] = self.names["generated"]
        return generated
