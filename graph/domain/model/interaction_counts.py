"""Interaction counts: what people did, counted at identifiers, so that engagement never scans interactions.

Counts add and subtract exactly, so those of a customer are the sum of those of its identifiers, whichever it holds.
Each count is stored under a word and a name: `did product_viewed`, `hour 9`, `weekday 0`, `shown discount`,
`reacted discount`.
"""

from collections.abc import Iterable, Mapping

from graph.domain.model.dates import DAY
from graph.domain.model.facts import FactKind
from graph.domain.model.json_text import parse_stored

InteractionCounts = Mapping[str, int]
"""`word name` to a count above 0."""

HOUR = DAY // 24
_FIRST_WEEKDAY = 3
"""1970-01-01 was a Thursday; Monday is 0."""
_EMAIL_OPENED = "email_opened"


def interaction_counts_of(kind: str, facts: str, at: int) -> InteractionCounts:
    """Return the counts of one fact; `at` in microseconds.

    An offer type (discount, new, a category) counts as shown if it is sent or shown, and as reacted to if clicked.
    """
    if kind != FactKind.INTERACTION.value:
        return {}
    values = parse_stored(facts)
    type = values["type"]
    counts = {f"did {type}": 1}
    if type == _EMAIL_OPENED:
        counts[f"hour {at // HOUR % 24}"] = 1
        counts[f"weekday {(at // DAY + _FIRST_WEEKDAY) % 7}"] = 1
    if offer_type := values.get("offer_type"):
        if type.endswith(("_sent", "_shown")):
            counts[f"shown {offer_type}"] = 1
        elif type.endswith("_clicked"):
            counts[f"reacted {offer_type}"] = 1
    return counts


def add(summands: Iterable[InteractionCounts], sign: int = 1) -> InteractionCounts:
    """Add interaction counts: the first as they are, all later ones multiplied by `sign`."""
    total: dict[str, int] = {}
    step = 1
    for interaction_counts in summands:
        for name, count in interaction_counts.items():
            total[name] = total.get(name, 0) + step * count
        step = sign
    return {name: count for name, count in total.items() if count}


def counts_by_name(interaction_counts: InteractionCounts, word: str) -> dict[str, int]:
    """Return the counts under a word, by name."""
    prefix = f"{word} "
    return {name.removeprefix(prefix): count for name, count in interaction_counts.items() if name.startswith(prefix)}
