"""The catalog: the attributes that sources may state, and the purposes that consent is given for."""

from collections.abc import Mapping
from enum import Enum

from msgspec import Struct, field

from graph.domain.profile.journey import JourneyRules


class AttributeType(Enum):
    """The format of an attribute's values."""

    TEXT = "text"
    DATE = "date"
    LANGUAGE = "language"
    NUMBER = "number"
    BOOLEAN = "boolean"
    ADDRESS = "address"


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


class Catalog(Struct, frozen=True, dict=True):
    """The attributes by name, the purposes that consent is given for, and the rules of the journey."""

    attributes: Mapping[str, AttributeDefinition] = field(
        default_factory=lambda: {attribute.name: attribute for attribute in BUILT_IN}
    )
    purposes: tuple[str, ...] = ("newsletter", "profiling", "third_party_sharing")
    journey: JourneyRules = field(default_factory=JourneyRules)

    def unknown(self, name: str) -> str:
        """The message that an attribute does not exist."""
        return f"attribute {name[:60]!r} does not exist; known are {', '.join(self.attributes)}"
