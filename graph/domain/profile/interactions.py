"""Interactions of people with a company, and of a company with people: in shops and apps, by email, by phone."""

from collections.abc import Container, Iterable, Mapping
from typing import Any

from msgspec import Struct, field

from graph.domain.model.errors import Problem
from graph.domain.model.facts import Fact, FactKind, InteractionSummary
from graph.domain.model.json_text import check_json, compact, ordered, parse_stored
from graph.domain.model.observations import Observation, Party
from graph.domain.model.validation import check_text, is_name

MAX_TEXT_LENGTH = 5_000
_MAX_LENGTHS = (("channel", 60), ("device", 200), ("campaign", 200), ("sku", 100), ("text", MAX_TEXT_LENGTH))
MAX_PROPERTIES_LENGTH = 32_768
"""Characters of all properties together, as JSON without spaces: the size that Segment allows an event."""


class Interaction(Struct, frozen=True, gc=False):
    """Something that happened, at `occurred_at` (microseconds). An empty text means that the value is not known."""

    source: str
    type: str
    occurred_at: int
    id: str = ""
    channel: str = ""
    device: str = ""
    campaign: str = ""
    sku: str = ""
    text: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)
    offer_type: str = ""
    """What an email or a banner offers: discount, new, a category, or any other name."""

    def observation(self, identifiers: tuple[tuple[str, str], ...], party: Party = Party.FIRST_PARTY) -> Observation:
        """The report of the interaction as an observation."""
        facts: dict[str, Any] = {"type": self.type}
        for name in ("channel", "device", "campaign", "sku", "text", "properties", "offer_type"):
            if value := getattr(self, name):
                facts[name] = value
        text = ordered(facts)
        kind = FactKind.INTERACTION.value
        return Observation(self.source, identifiers, self.id, party, self.occurred_at, facts=text, kind=kind)

    @classmethod
    def of(cls, fact: Fact) -> "Interaction":
        """The interaction in a fact."""
        return cls(fact.source, occurred_at=fact.at, id=fact.id, **parse_stored(fact.facts))


class InteractionStatement(Struct, frozen=True, gc=False):
    """An interaction with the identifiers that it was reported with."""

    interaction: Interaction
    identifiers: tuple[tuple[str, str], ...]
    party: Party = Party.FIRST_PARTY

    def observation(self) -> Observation:
        """The statement as an observation."""
        return self.interaction.observation(self.identifiers, self.party)


class ViewedProduct(Struct, frozen=True, gc=False):
    """A product that was viewed, when last (microseconds), and whether it was added to a cart."""

    sku: str
    last_viewed_at: int
    added_to_cart: bool


def viewed_not_purchased(
    newest_first: Iterable[InteractionSummary], purchased_skus: Container[str]
) -> list[ViewedProduct]:
    """The products that were viewed or added to a cart and not purchased, newest first."""
    viewed: dict[str, ViewedProduct] = {}
    for interaction in newest_first:
        sku = interaction.sku
        if sku and sku not in purchased_skus and interaction.type in ("product_viewed", "product_added"):
            newer = viewed.get(sku)
            last_viewed_at = interaction.occurred_at if newer is None else newer.last_viewed_at
            added_to_cart = interaction.type == "product_added" or bool(newer and newer.added_to_cart)
            viewed[sku] = ViewedProduct(sku, last_viewed_at, added_to_cart)
    return list(viewed.values())


def _check_name(field: str, value: str) -> Problem | None:
    if is_name(value):
        return None
    message = f"{field} is {value[:60]!r}; 1 to 60 characters a-z, 0-9 and _ are allowed, beginning with a letter"
    return Problem("INVALID_VALUE", message, (field,))


def check_interaction(statement: InteractionStatement) -> Problem | None:
    """What is wrong with an interaction; its time is checked with the observation."""
    interaction = statement.interaction
    if problem := _check_name("type", interaction.type):
        return problem
    if interaction.offer_type and (problem := _check_name("offerType", interaction.offer_type)):
        return problem
    for name, max_length in _MAX_LENGTHS:
        value = getattr(interaction, name)
        if value and (problem := check_text(name, value, max_length)):
            return problem
    return _check_properties(interaction.properties) if interaction.properties else None


def _check_properties(properties: Mapping[str, Any]) -> Problem | None:
    if problem := check_json(properties, "properties"):
        return problem
    length = len(compact(properties))
    if length > MAX_PROPERTIES_LENGTH:
        message = f"properties has {length} characters as JSON; {MAX_PROPERTIES_LENGTH} are allowed"
        return Problem("INVALID_LENGTH", message, ("properties",))
    return None
