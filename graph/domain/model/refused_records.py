"""Records that a source sent and that could not be taken: they are kept for a while, so that somebody can look at them.

They are not part of what is true: nothing is derived from them, and a copy of a store does not have them.
"""

import hashlib
from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from graph.domain.model.errors import Problem
from graph.domain.model.identifiers import FORBIDDEN_CHARACTERS

DEFAULT_REFUSED_DAYS = 14
"""Days for which a refused record is kept after its last delivery."""
MAX_CONTENT_LENGTH = 32_768
"""Characters of a record that are kept."""
MAX_MESSAGE_LENGTH = 1_000
MAX_NAME_LENGTH = 200
"""Characters that are kept of the name of a source or a mapping, and of a record's own id."""

Position = tuple[int, str]
"""The time of the last delivery, in microseconds, and the id: refused records are listed by it, newest first."""


class RefusedRecord(Struct, frozen=True, gc=False):
    """A record of a source that was refused.

    `mapping` is the name of the mapping that it was read with. `code`, `message` and `path` say what is wrong with it,
    as `Problem` does. `record_id` is its own id, empty if it has none. `content` is the record as text, its beginning
    if it `is_cut`; `beside` is what the mapping reads of what came with it, such as headers, as a JSON object; that of
    the last delivery. It was delivered `count` times, first at `received_at` and last at `last_received_at`, in
    microseconds.
    """

    id: str
    source: str
    mapping: str
    code: str
    message: str
    path: tuple[str | int, ...]
    record_id: str
    content: str
    beside: str
    is_cut: bool
    received_at: int
    last_received_at: int
    count: int = 1

    @classmethod
    def of(
        cls,
        source: str,
        mapping: str,
        content: str,
        problem: Problem,
        at: int,
        record_id: str = "",
        beside: str = "{}",
    ) -> "RefusedRecord":
        """Return a record that was refused for a problem when it was delivered at a time, in microseconds.

        `content` is the record as text, JSON if it is JSON. The same content that is refused with the same code has the
        same id, so a repeated delivery is the same refused record.
        """
        # With the lengths, because each part may contain any character.
        parts = "".join(f"{len(part)} {part} " for part in (source, problem.code, content))
        digest = hashlib.sha256(parts.encode(errors="surrogatepass")).hexdigest()
        return cls(
            f"rfr_{digest[:32]}",
            _storable(source, MAX_NAME_LENGTH),
            _storable(mapping, MAX_NAME_LENGTH),
            problem.code,
            _storable(problem.message, MAX_MESSAGE_LENGTH),
            tuple(_storable(part, MAX_NAME_LENGTH) if isinstance(part, str) else part for part in problem.path),
            _storable(record_id, MAX_NAME_LENGTH),
            _storable(content, MAX_CONTENT_LENGTH),
            _storable(beside, MAX_CONTENT_LENGTH) if len(beside) <= MAX_CONTENT_LENGTH else "{}",
            len(content) > MAX_CONTENT_LENGTH or len(beside) > MAX_CONTENT_LENGTH,
            at,
            at,
        )

    @property
    def position(self) -> Position:
        """Where it is in lists."""
        return self.last_received_at, self.id

    def without_texts(self) -> "RefusedRecord":
        """Return the record without what may hold values of people."""
        return replace(self, message="", record_id="", content="", beside="")

    def delivered_again(self, later: "RefusedRecord") -> "RefusedRecord":
        """Return the record after it was delivered, and refused, another time."""
        return replace(
            later,
            received_at=min(self.received_at, later.received_at),
            last_received_at=max(self.last_received_at, later.last_received_at),
            count=self.count + later.count,
        )


class RefusedFilter(Struct, frozen=True, gc=False):
    """Which refused records are asked for: of a source, with a code, delivered at `since` (microseconds) or later.

    `None` means any.
    """

    source: str | None = None
    code: str | None = None
    since: int | None = None


class RefusedCount(Struct, frozen=True, gc=False):
    """How many refused records of a source with a code are kept, and how often they were delivered."""

    source: str
    code: str
    records: int
    deliveries: int
    last_received_at: int


def each_once(records: Iterable[RefusedRecord]) -> list[RefusedRecord]:
    """Return records by id, each once with the deliveries of all that have its id."""
    found: dict[str, RefusedRecord] = {}
    for record in records:
        before = found.get(record.id)
        found[record.id] = record if before is None else before.delivered_again(record)
    return [found[id] for id in sorted(found)]


def _storable(text: str, max_length: int) -> str:
    return FORBIDDEN_CHARACTERS.sub("\ufffd", text[:max_length])
