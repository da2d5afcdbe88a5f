"""Attributes in GraphQL: the values that the profile shows, with who stated them."""

from collections.abc import Mapping
from typing import Annotated

import strawberry

from graph.domain.profile.attributes import Chosen, Stated
from graph.domain.profile.catalog import Attribute as DomainAttribute
from graph.domain.profile.catalog import AttributeType, Precedence
from schema.shared.enums import described
from schema.shared.evidence_tier import Tier
from schema.shared.scalars import Timestamp

described(
    AttributeType,
    "AttributeType",
    "What the values of an attribute look like.",
    TEXT="Any text.",
    DATE="A date, YYYY-MM-DD.",
    LANGUAGE="A language of BCP 47.",
    NUMBER="A decimal number.",
    BOOLEAN="`true` or `false`.",
    ADDRESS="A postal address.",
)
described(
    Precedence,
    "Precedence",
    "Which of several values the profile shows.",
    NEWEST="The one stated last.",
    OLDEST="The one stated first.",
    MOST_FREQUENT="The one that most sources hold, of these the newest.",
    SOURCES="That of the source that comes first in the list of the attribute.",
    UNION="All of them, newest first.",
)


@strawberry.type(description="A postal address, as far as it was stated.")
class Address:
    """An address in GraphQL."""

    street: str | None = strawberry.field(description="Street and house number.")
    postcode: str | None = strawberry.field(description="Postal code.")
    city: str | None = strawberry.field(description="Town.")
    country: str | None = strawberry.field(description="Country, as the source writes it.")

    @classmethod
    def of(cls, value: Mapping[str, str]) -> "Address":
        """From the domain's value."""
        return cls(**{part: value.get(part) or None for part in ("street", "postcode", "city", "country")})


@strawberry.type(description="Another value that is stated of the same attribute.")
class AlternativeText:
    """An alternative in GraphQL."""

    value: str = strawberry.field(description="The value.")
    source: str = strawberry.field(description="Who states it.")
    party: Tier = strawberry.field(description="How near the source is.")
    stated_at: Timestamp = strawberry.field(description="When.")

    @classmethod
    def of(cls, stated: Stated) -> "AlternativeText":
        """From the domain's value."""
        return cls(value=str(stated.value), source=stated.source, party=stated.tier, stated_at=Timestamp(stated.at))


@strawberry.type(description="An attribute whose values are texts.")
class TextAttribute:
    """A text attribute in GraphQL."""

    name: str = strawberry.field(description="The attribute's name, such as `given_name`.")
    value: str = strawberry.field(description="The value that precedence chooses; of a union the newest.")
    values: list[str] = strawberry.field(description="All values of a union; else the one.")
    source: str = strawberry.field(description="Who states it.")
    party: Tier = strawberry.field(description="How near the source is.")
    stated_at: Timestamp = strawberry.field(description="When it was stated.")
    alternatives: list[AlternativeText] = strawberry.field(description="Other values that are stated, newest first.")

    @classmethod
    def of(cls, name: str, chosen: Chosen | None) -> "TextAttribute | None":
        """From the domain's value."""
        if chosen is None:
            return None
        first = chosen.shown[0]
        return cls(
            name=name,
            value=str(first.value),
            values=[str(one.value) for one in chosen.shown],
            source=first.source,
            party=first.tier,
            stated_at=Timestamp(first.at),
            alternatives=[AlternativeText.of(one) for one in chosen.alternatives],
        )


@strawberry.type(description="Another address that is stated.")
class AlternativeAddress:
    """An alternative in GraphQL."""

    value: Address = strawberry.field(description="The address.")
    source: str = strawberry.field(description="Who states it.")
    party: Tier = strawberry.field(description="How near the source is.")
    stated_at: Timestamp = strawberry.field(description="When.")

    @classmethod
    def of(cls, stated: Stated) -> "AlternativeAddress":
        """From the domain's value."""
        at = Timestamp(stated.at)
        return cls(value=_address(stated), source=stated.source, party=stated.tier, stated_at=at)


@strawberry.type(description="An attribute whose values are addresses.")
class AddressAttribute:
    """An address attribute in GraphQL."""

    name: str = strawberry.field(description="The attribute's name, such as `address`.")
    value: Address = strawberry.field(description="The address that precedence chooses; of a union the newest.")
    values: list[Address] = strawberry.field(description="All addresses of a union; else the one.")
    source: str = strawberry.field(description="Who states it.")
    party: Tier = strawberry.field(description="How near the source is.")
    stated_at: Timestamp = strawberry.field(description="When it was stated.")
    alternatives: list[AlternativeAddress] = strawberry.field(description="Other addresses stated, newest first.")

    @classmethod
    def of(cls, name: str, chosen: Chosen | None) -> "AddressAttribute | None":
        """From the domain's value."""
        if chosen is None:
            return None
        first = chosen.shown[0]
        return cls(
            name=name,
            value=_address(first),
            values=[_address(one) for one in chosen.shown],
            source=first.source,
            party=first.tier,
            stated_at=Timestamp(first.at),
            alternatives=[AlternativeAddress.of(one) for one in chosen.alternatives],
        )


def _address(stated: Stated) -> Address:
    return Address.of({} if isinstance(stated.value, str) else stated.value)


Names = Annotated[list[str] | None, strawberry.argument(description="Only those of these names.")]


@strawberry.type(description="What is known of a person: one value an attribute, by the precedence of each.")
class Profile:
    """A profile in GraphQL. Attributes that nobody states are null."""

    chosen: strawberry.Private[Mapping[str, Chosen]]
    types: strawberry.Private[Mapping[str, DomainAttribute]]

    def _text(self, name: str) -> TextAttribute | None:
        return TextAttribute.of(name, self.chosen.get(name))

    @strawberry.field(description="The whole name.")
    def name(self) -> TextAttribute | None:
        """The name."""
        return self._text("name")

    @strawberry.field(description="The given name.")
    def given_name(self) -> TextAttribute | None:
        """The given name."""
        return self._text("given_name")

    @strawberry.field(description="The family name.")
    def family_name(self) -> TextAttribute | None:
        """The family name."""
        return self._text("family_name")

    @strawberry.field(description="The gender, as sources write it.")
    def gender(self) -> TextAttribute | None:
        """The gender."""
        return self._text("gender")

    @strawberry.field(description="The date of birth, YYYY-MM-DD.")
    def birth_date(self) -> TextAttribute | None:
        """The date of birth."""
        return self._text("birth_date")

    @strawberry.field(description="The language, by BCP 47.")
    def language(self) -> TextAttribute | None:
        """The language."""
        return self._text("language")

    @strawberry.field(description="The postal address.")
    def address(self) -> AddressAttribute | None:
        """The address."""
        return AddressAttribute.of("address", self.chosen.get("address"))

    @strawberry.field(description="All attributes of text, those that attributes.toml declares too.")
    def texts(self, names: Names = None) -> list[TextAttribute]:
        """Text attributes."""
        found = (self._text(name) for name in self._named(names) if self._of_text(name))
        return [one for one in found if one is not None]

    @strawberry.field(description="All attributes of addresses, those that attributes.toml declares too.")
    def addresses(self, names: Names = None) -> list[AddressAttribute]:
        """Address attributes."""
        wanted = (name for name in self._named(names) if not self._of_text(name))
        found = (AddressAttribute.of(name, self.chosen.get(name)) for name in wanted)
        return [one for one in found if one is not None]

    def _named(self, names: list[str] | None) -> list[str]:
        return [name for name in self.chosen if names is None or name in names]

    def _of_text(self, name: str) -> bool:
        return self.types[name].type is not AttributeType.ADDRESS


@strawberry.type(description="An attribute that sources may state.")
class Attribute:
    """A declaration in GraphQL."""

    name: str = strawberry.field(description="Its name.")
    type: AttributeType = strawberry.field(description="What its values look like.")
    personal: bool = strawberry.field(description="Whether its values tell who somebody is.")
    precedence: Precedence = strawberry.field(description="Which of several values the profile shows.")
    sources: list[str] = strawberry.field(description="The sources that come first, best first.")

    @classmethod
    def of(cls, one: DomainAttribute) -> "Attribute":
        """From the domain's value."""
        return cls(
            name=one.name, type=one.type, personal=one.personal, precedence=one.precedence, sources=list(one.sources)
        )
