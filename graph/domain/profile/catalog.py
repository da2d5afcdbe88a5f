"""The catalog: the attributes that sources may state, and the purposes and channels that consent is given for."""

from collections.abc import Mapping
from enum import Enum
from functools import cached_property

from msgspec import Struct, field

from graph.domain.model.errors import RulesError
from graph.domain.model.rules import Rules
from graph.domain.profile.consents import check_purpose
from graph.domain.profile.derived_consents import (
    ConsentFromInteraction,
    addresses_by_channel,
    default_consents_from_interactions,
)
from graph.domain.profile.journey import JourneyRules
from graph.domain.profile.purposes import Processing
from graph.domain.profile.tcf import TcfTerms


class AttributeType(Enum):
    """The format of an attribute's values."""

    TEXT = "text"
    DATE = "date"
    LANGUAGE = "language"
    NUMBER = "number"
    BOOLEAN = "boolean"
    ADDRESS = "address"


ADDRESS_PARTS = ("street", "postal_code", "city", "region", "country")


class Precedence(Enum):
    """Which of several values the profile shows."""

    NEWEST = "newest"
    OLDEST = "oldest"
    MOST_FREQUENT = "most_frequent"
    SOURCE_PRIORITY = "source_priority"
    ALL = "all"


class AttributeDefinition(Struct, frozen=True, gc=False):
    """An attribute that sources may state. `sources` are the preferred ones under `SOURCE_PRIORITY`, best first."""

    name: str
    type: AttributeType = AttributeType.TEXT
    personal: bool = True
    precedence: Precedence = Precedence.NEWEST
    sources: tuple[str, ...] = ()


BUILT_IN = (
    AttributeDefinition("name"),
    AttributeDefinition("given_name"),
    AttributeDefinition("family_name"),
    AttributeDefinition("gender"),
    AttributeDefinition("birth_date", AttributeType.DATE),
    AttributeDefinition("language", AttributeType.LANGUAGE),
    AttributeDefinition("address", AttributeType.ADDRESS),
)
"""The attributes that always exist; attributes.toml may declare them again with another precedence."""


CHANNELS: Mapping[str, tuple[str, ...]] = {
    "EMAIL": ("email", "hashed_email"),
    "PHONE": ("phone",),
    "SMS": ("phone",),
    "POSTAL_MAIL": (),
    "PUSH": ("device", "cookie"),
    "WEB": ("cookie", "device"),
    "SOCIAL": (),
}
"""The channels without a declaration, with the namespaces whose identifiers are addresses of the channel."""
_PURPOSES = ("newsletter", "profiling", "third_party_sharing")
PROFILING = "profiling"
"""The purpose that is profiling without a declaration."""


class Catalog(Struct, frozen=True, dict=True):
    """The attributes by name, the purposes that consent is given for, and the rules of the journey.

    `channels` are those that consent is given for, by name; the identifiers of their namespaces are addresses of the
    channel. `consents_from_interactions` are the interactions that are consent decisions, too. `processing` is what the
    company declares about itself and its purposes, for the record of processing.
    """

    attributes: Mapping[str, AttributeDefinition] = field(
        default_factory=lambda: {attribute.name: attribute for attribute in BUILT_IN}
    )
    purposes: tuple[str, ...] = _PURPOSES
    journey: JourneyRules = field(default_factory=JourneyRules)
    channels: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: CHANNELS)
    consents_from_interactions: tuple[ConsentFromInteraction, ...] = default_consents_from_interactions(
        _PURPOSES, CHANNELS
    )
    profiling_purposes: tuple[str, ...] = (PROFILING,)
    """The purposes that are profiling: a customer that refuses one of them is not profiled."""
    tcf: TcfTerms = field(default_factory=TcfTerms)
    """How TC strings are read."""
    processing: Processing = Processing()

    @cached_property
    def addresses(self) -> Mapping[str, frozenset[str]]:
        """The namespaces of the addresses of each channel and of `EVERY_CHANNEL`."""
        return addresses_by_channel(self.channels)

    @cached_property
    def consents_by_interaction_type(self) -> Mapping[str, tuple[ConsentFromInteraction, ...]]:
        """The interactions that are consent decisions, by their type."""
        types = dict.fromkeys(rule.type for rule in self.consents_from_interactions)
        return {type: tuple(rule for rule in self.consents_from_interactions if rule.type == type) for type in types}

    def check_rules(self, rules: Rules) -> None:
        """Raise `RulesError` if a guard, a composite key or a namespace names what nobody can state."""
        for namespace, purpose in rules.consent_purposes.items():
            if problem := check_purpose(purpose, self.purposes):
                raise RulesError(f"namespace {namespace!r}: requires_consent: {problem.message}")
        named = [("guard", guard.attribute) for guard in rules.guards]
        named += [("composite", path) for composite in rules.composites for path in composite.of]
        for table, path in named:
            name, dot, part = path.partition(".")
            attribute = self.attributes.get(name)
            if attribute is None:
                raise RulesError(f"{table}: {self.unknown(name)}")
            is_address = attribute.type is AttributeType.ADDRESS
            if is_address and part not in ADDRESS_PARTS:
                parts = ", ".join(f"{name}.{part}" for part in ADDRESS_PARTS)
                raise RulesError(f"{table}: {path!r} is not a part of an address; allowed are {parts}")
            if dot and not is_address:
                raise RulesError(f"{table}: {path!r} names a part, but {name} is not an address")

    def unknown(self, name: str) -> str:
        """The message that an attribute does not exist."""
        return f"attribute {name[:60]!r} does not exist; known are {', '.join(self.attributes)}"
