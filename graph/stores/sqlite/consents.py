"""The consent decisions in effect at identifiers, in SQLite."""

from collections.abc import Sequence

from graph.domain.model.facts import Fact, FactKind
from graph.domain.model.json_text import compact
from graph.stores.sqlite import mapping


def consents_at(db: mapping.Connection, keys: Sequence[str]) -> dict[str, list[Fact]]:
    """Return the decisions that count for some identifiers, by key."""
    found: dict[str, list[Fact]] = {key: [] for key in keys}
    rows = db.execute(
        """SELECT i.key, f.at, o.source, o.public_id, o.tier, o.sent FROM identifiers i
            JOIN facts f ON f.identifier = i.id AND f.kind = ? JOIN observations o ON o.id = f.observation
            WHERE i.key IN (SELECT value FROM json_each(?))""",
        (FactKind.CONSENT.value, compact(keys)),
    )
    for row in rows:
        found[row[0]].append(mapping.fact(row))
    return found
