"""Interactions: what people do and what is done with them, in shops and apps, by mail, on the phone."""

import json
from collections.abc import Container, Iterable, Mapping
from typing import Any

from msgspec import Struct, field

from graph.domain.model.dates import SECOND
from graph.domain.model.errors import Problem
from graph.domain.model.facts import FactKind, Skimmed, Told
from graph.domain.model.json_text import ordered
from graph.domain.model.observations import Observation, Tier
from graph.domain.model.validation import check_text, is_name

EARLIEST = 788_918_400 * SECOND
"""1995-01-01: what is said to be older has lost its date (1970), since no shop of today was there."""
LONGEST_TEXT = 5_000
LARGEST_PROPERTIES = 4_000
"""Characters of all free properties together, as JSON."""


class Interaction(Struct, frozen=True, gc=False):
    """Something that happened. `at` is in microseconds; `sku` is an article number; empty texts are left out."""

    source: str
    type: str
    at: int
    id: str = ""
    channel: str = ""
    device: str = ""
    campaign: str = ""
    sku: str = ""
    text: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)
    appeal: str = ""
    """What a mail or a banner appealed with: discount, new, a category; a free name."""

    def observation(self, identifiers: tuple[tuple[str, str], ...], party: Tier = Tier.FIRST) -> Observation:
        """The observation that the report of it is."""
        facts: dict[str, Any] = {"type": self.type}
        for name in ("channel", "device", "campaign", "sku", "text", "properties", "appeal"):
            if value := getattr(self, name):
                facts[name] = value
        text = ordered(facts)
        kind = FactKind.INTERACTION.value
        return Observation(self.source, identifiers, self.id, party, self.at, facts=text, kind=kind)

    @classmethod
    def of(cls, told: Told) -> "Interaction":
        """From a fact."""
        return cls(told.source, at=told.at, id=told.id, **json.loads(told.facts))


class InteractionStatement(Struct, frozen=True, gc=False):
    """An interaction, and the identifiers that it was reported with."""

    interaction: Interaction
    identifiers: tuple[tuple[str, str], ...]
    party: Tier = Tier.FIRST

    def observation(self) -> Observation:
        """The observation that the report is."""
        return self.interaction.observation(self.identifiers, self.party)


class ViewedArticle(Struct, frozen=True, gc=False):
    """An article that was looked at, when last (microseconds), and whether it was put into a cart."""

    sku: str
    last_at: int
    in_cart: bool


def viewed_not_bought(newest_first: Iterable[Skimmed], bought: Container[str]) -> list[ViewedArticle]:
    """The articles of views and carts that were not bought, the latest first."""
    found: dict[str, ViewedArticle] = {}
    for one in newest_first:
        if one.sku and one.sku not in bought and one.type in ("product_view", "cart"):
            known = found.get(one.sku)
            last_at = one.at if known is None else known.last_at
            found[one.sku] = ViewedArticle(one.sku, last_at, one.type == "cart" or bool(known and known.in_cart))
    return list(found.values())


def _check_name(field: str, value: str) -> Problem | None:
    if is_name(value):
        return None
    message = f"{field} is {value[:60]!r}; a-z, 0-9 and _ are allowed, beginning with a letter, up to 60"
    return Problem("BAD_VALUE", message, (field,))


def check_interaction(statement: InteractionStatement) -> Problem | None:
    """What is wrong with an interaction; that it lies ahead is told with its time."""
    one = statement.interaction
    if problem := _check_name("type", one.type):
        return problem
    if one.at < EARLIEST:
        return Problem("TOO_OLD", "at lies before 1995: the source has lost the date", ("at",))
    if one.appeal and (problem := _check_name("appeal", one.appeal)):
        return problem
    for name, most in (("channel", 60), ("device", 200), ("campaign", 200), ("sku", 100), ("text", LONGEST_TEXT)):
        value = getattr(one, name)
        if value and (problem := check_text(name, value, most)):
            return problem
    size = len(json.dumps(one.properties, ensure_ascii=False))
    if size > LARGEST_PROPERTIES:
        message = f"properties has {size} characters as JSON; {LARGEST_PROPERTIES} are allowed"
        return Problem("BAD_LENGTH", message, ("properties",))
    if one.properties and "\\u0000" in json.dumps(one.properties):
        return Problem("BAD_TEXT", "properties holds a character that no text may hold", ("properties",))
    return None
