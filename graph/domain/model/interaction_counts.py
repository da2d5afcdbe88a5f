"""Tallies: what people did, counted at the identifiers that it hangs on, so that habits never scan interactions.

A tally only counts, so it adds and subtracts exactly; a customer's is the sum of those of its identifiers, whichever
they come to be. Each count goes by a word and a name: `did product_view`, `hour 9`, `weekday 0`, `shown discount`,
`reacted discount`.
"""

import json
from collections.abc import Iterable, Mapping

from graph.domain.model.dates import DAY
from graph.domain.model.facts import FactKind

Tally = Mapping[str, int]
"""`word name` to a count above 0."""

HOUR = DAY // 24
_FIRST_WEEKDAY = 3
"""1970-01-01 was a Thursday; Monday is 0."""
_OPENED = "email_opened"


def tally_of(kind: str, facts: str, at: int) -> Tally:
    """What one fact counts for; `at` in microseconds.

    An appeal (discount, new, a category) counts as shown by what is sent or shown, and as reacted to by a click.
    """
    if kind != FactKind.INTERACTION.value:
        return {}
    values = json.loads(facts)
    type = values["type"]
    counts = {f"did {type}": 1}
    if type == _OPENED:
        counts[f"hour {at // HOUR % 24}"] = 1
        counts[f"weekday {(at // DAY + _FIRST_WEEKDAY) % 7}"] = 1
    if appeal := values.get("appeal"):
        if type.endswith(("_sent", "_shown")):
            counts[f"shown {appeal}"] = 1
        elif type.endswith("_clicked"):
            counts[f"reacted {appeal}"] = 1
    return counts


def add(tallies: Iterable[Tally], sign: int = 1) -> Tally:
    """The sum of tallies; the first counts as it is, the others with a sign."""
    total: dict[str, int] = {}
    step = 1
    for tally in tallies:
        for name, count in tally.items():
            total[name] = total.get(name, 0) + step * count
        step = sign
    return {name: count for name, count in total.items() if count}


def counts(tally: Tally, word: str) -> dict[str, int]:
    """The counts of one word by name."""
    prefix = f"{word} "
    return {name.removeprefix(prefix): count for name, count in tally.items() if name.startswith(prefix)}
