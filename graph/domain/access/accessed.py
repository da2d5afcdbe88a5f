"""What one operation accessed: the record of who saw whose data is written from it."""

from collections.abc import Iterable

from msgspec import Struct, field


class Accessed(Struct):
    """Collects what an operation accessed. Ids and keys are in the order in which they were accessed.

    `customers` are the ids of the customers that the answer shows, `asked` what was asked for: keys and ids, found or
    not. `refused` counts what exists and was not shown. `statements` counts what was sent to be recorded about people,
    `sources` are theirs. `recipients` are the destinations about which something was decided: what goes to them.
    """

    customers: dict[str, None] = field(default_factory=dict)
    asked: dict[str, None] = field(default_factory=dict)
    refused: int = 0
    statements: int = 0
    sources: dict[str, None] = field(default_factory=dict)
    recipients: dict[str, None] = field(default_factory=dict)

    @property
    def touches_people(self) -> bool:
        """Whether anything about a person was asked for, shown, sent, or decided to be sent elsewhere."""
        return bool(self.customers or self.asked or self.statements or self.recipients)

    def wrote(self, count: int, sources: Iterable[str]) -> None:
        """Count statements that were sent, and note the sources of those that could be read."""
        self.statements += count
        self.sources.update(dict.fromkeys(sources))
