"""What one operation accessed: the record of who saw whose data is written from it."""

from msgspec import Struct, field


class Accessed(Struct):
    """Collects what an operation accessed. Ids and keys are in the order in which they were accessed.

    `customers` are the ids of the customers that the answer shows, `asked` what was asked for: keys and ids, found or
    not. `refused` counts what exists and was not shown.
    """

    customers: dict[str, None] = field(default_factory=dict)
    asked: dict[str, None] = field(default_factory=dict)
    refused: int = 0

    @property
    def touches_people(self) -> bool:
        """Whether anything about a person was asked for or shown."""
        return bool(self.customers or self.asked)
