"""The catalog: which attributes sources may state, and which purposes consent is given for."""

from collections.abc import Mapping
from enum import Enum

from msgspec import Struct, field

from graph.domain.profile.journey import JourneyRules


class AttributeType(Enum):
    """What a value must look like."""

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
    SOURCES = "sources"
    UNION = "union"


class Attribute(Struct, frozen=True, gc=False):
    """An attribute that sources may state. `sources` are those that come first, best first, under `SOURCES`."""

    name: str
    type: AttributeType = AttributeType.TEXT
    personal: bool = True
    precedence: Precedence = Precedence.NEWEST
    sources: tuple[str, ...] = ()


BUILT_IN = (
    Attribute("name"),
    Attribute("given_name"),
    Attribute("family_name"),
    Attribute("gender"),
    Attribute("birth_date", AttributeType.DATE),
    Attribute("language", AttributeType.LANGUAGE),
    Attribute("address", AttributeType.ADDRESS),
)
"""The attributes that are always there; a file may declare them anew with another precedence."""


class Catalogue(Struct, frozen=True, dict=True):
    """What may be stated: attributes by name, and the purposes that consent is given for; and the journey's rules."""

    attributes: Mapping[str, Attribute] = field(default_factory=lambda: {one.name: one for one in BUILT_IN})
    purposes: tuple[str, ...] = ("newsletter", "profiling", "third_party_sharing")
    journey: JourneyRules = field(default_factory=JourneyRules)

    def unknown(self, name: str) -> str:
        """That there is no such attribute, in words."""
        return f"{name[:60]!r} is no attribute; known are {', '.join(self.attributes)}"
