"""The profile in GraphQL: the attributes of a customer, with their sources."""

from collections.abc import Mapping
from typing import Annotated

import strawberry

from graph.domain.access.scopes import CATALOG_READ, NAME_READ, OBSERVATION_ID, PROFILE_READ
from graph.domain.profile.attributes import ProfileAttribute, ReportedValue
from graph.domain.profile.catalog import ADDRESS_PARTS, AttributeType, Precedence
from graph.domain.profile.catalog import AttributeDefinition as DomainAttributeDefinition
from schema.shared.enums import describe_enum
from schema.shared.evidence_tier import SOURCE_PARTY, Party
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp
from schema.types.observation_ref import OBSERVATION, ObservationRef

describe_enum(
    AttributeType,
    "AttributeType",
    "The type of an attribute's values.",
    TEXT="Text.",
    DATE="A date. E.g. `1980-05-31`.",
    LANGUAGE="A BCP 47 language tag. E.g. `de-CH`.",
    NUMBER="A decimal number. E.g. `12.5`.",
    BOOLEAN="`true` or `false`.",
    ADDRESS="A postal address.",
)
describe_enum(
    Precedence,
    "Precedence",
    "The rule by which the profile chooses one of several values.",
    NEWEST="The value that was reported last.",
    OLDEST="The value that was reported first.",
    MOST_FREQUENT="The value that most sources report; the newest of several.",
    SOURCE_PRIORITY="The value of the source that is listed first in the attribute's `sources`.",
    ALL="All values, newest first.",
)


@requires(PROFILE_READ)
@strawberry.type(description="A postal address. Parts that the source did not report are null.")
class Address:
    """An address in GraphQL."""

    street: str | None = strawberry.field(description="The street and house number. E.g. `Bahnhofstrasse 1`.")
    postal_code: str | None = strawberry.field(description="The postal code. E.g. `8001`.")
    city: str | None = strawberry.field(description="The city or town. E.g. `Zürich`.")
    region: str | None = strawberry.field(description="The state, province or region. E.g. `ZH`.")
    country: str | None = strawberry.field(description="The country, as the source writes it. E.g. `CH`.")

    @classmethod
    def of(cls, parts: Mapping[str, str]) -> "Address":
        """Convert the domain's value."""
        return cls(**{part: parts.get(part) or None for part in ADDRESS_PARTS})


@requires(PROFILE_READ, observation=OBSERVATION_ID)
@strawberry.type(description="An alternative value of an attribute, which the profile did not choose.")
class AlternativeText:
    """An alternative text in GraphQL."""

    value: str = strawberry.field(description="The value.")
    source: str = strawberry.field(description="The source that reported the value. E.g. `crm`.")
    party: Party = strawberry.field(description=SOURCE_PARTY)
    reported_at: Timestamp = strawberry.field(description="When the source reported the value.")
    observation: ObservationRef = strawberry.field(description=OBSERVATION)

    @classmethod
    def of(cls, reported: ReportedValue) -> "AlternativeText":
        """Convert the domain's value."""
        return cls(
            value=str(reported.value),
            source=reported.source,
            party=reported.party,
            reported_at=Timestamp(reported.reported_at),
            observation=_observation(reported),
        )


@requires(PROFILE_READ, name=NAME_READ, value=NAME_READ, observations=OBSERVATION_ID)
@strawberry.type(description="An attribute of a customer: the chosen value, with its source and the alternatives.")
class TextAttribute:
    """A text attribute in GraphQL."""

    name: str = strawberry.field(description="The name of the attribute. E.g. `given_name`.")
    value: str = strawberry.field(
        description="The chosen value; the newest if the attribute's precedence is `ALL`. E.g. `Ann`."
    )
    values: list[str] = strawberry.field(
        description="All values, newest first, if the attribute's precedence is `ALL`; otherwise the chosen value."
    )
    source: str = strawberry.field(description="The source that reported the chosen value. E.g. `crm`.")
    party: Party = strawberry.field(description="Whether that source is your own system, a partner or a third party.")
    reported_at: Timestamp = strawberry.field(description="When that source reported the value.")
    observations: list[ObservationRef] = strawberry.field(
        description="The observations that report `values`, in the same order. `revokeObservations` accepts them."
    )
    alternatives: list[AlternativeText] = strawberry.field(description="The values not chosen, newest first.")

    @classmethod
    def of(cls, name: str, attribute: ProfileAttribute | None) -> "TextAttribute | None":
        """Convert the domain's value."""
        if attribute is None:
            return None
        first = attribute.chosen[0]
        return cls(
            name=name,
            value=str(first.value),
            values=[str(reported.value) for reported in attribute.chosen],
            source=first.source,
            party=first.party,
            reported_at=Timestamp(first.reported_at),
            observations=[_observation(reported) for reported in attribute.chosen],
            alternatives=[AlternativeText.of(reported) for reported in attribute.alternatives],
        )


@requires(PROFILE_READ, observation=OBSERVATION_ID)
@strawberry.type(description="An alternative address, which the profile did not choose.")
class AlternativeAddress:
    """An alternative address in GraphQL."""

    value: Address = strawberry.field(description="The address.")
    source: str = strawberry.field(description="The source that reported the address. E.g. `crm`.")
    party: Party = strawberry.field(description=SOURCE_PARTY)
    reported_at: Timestamp = strawberry.field(description="When the source reported the address.")
    observation: ObservationRef = strawberry.field(description=OBSERVATION)

    @classmethod
    def of(cls, reported: ReportedValue) -> "AlternativeAddress":
        """Convert the domain's value."""
        return cls(
            value=_address(reported),
            source=reported.source,
            party=reported.party,
            reported_at=Timestamp(reported.reported_at),
            observation=_observation(reported),
        )


@requires(PROFILE_READ, observations=OBSERVATION_ID)
@strawberry.type(
    description="An address attribute of a customer: the chosen address, with its source and the alternatives."
)
class AddressAttribute:
    """An address attribute in GraphQL."""

    name: str = strawberry.field(description="The name of the attribute. E.g. `address`.")
    value: Address = strawberry.field(
        description="The chosen address; the newest if the attribute's precedence is `ALL`."
    )
    values: list[Address] = strawberry.field(
        description="All addresses, newest first, if the attribute's precedence is `ALL`; otherwise the chosen address."
    )
    source: str = strawberry.field(description="The source that reported the chosen address. E.g. `crm`.")
    party: Party = strawberry.field(description="Whether that source is your own system, a partner or a third party.")
    reported_at: Timestamp = strawberry.field(description="When that source reported the address.")
    observations: list[ObservationRef] = strawberry.field(
        description="The observations that report `values`, in the same order. `revokeObservations` accepts them."
    )
    alternatives: list[AlternativeAddress] = strawberry.field(description="The addresses not chosen, newest first.")

    @classmethod
    def of(cls, name: str, attribute: ProfileAttribute | None) -> "AddressAttribute | None":
        """Convert the domain's value."""
        if attribute is None:
            return None
        first = attribute.chosen[0]
        return cls(
            name=name,
            value=_address(first),
            values=[_address(reported) for reported in attribute.chosen],
            source=first.source,
            party=first.party,
            reported_at=Timestamp(first.reported_at),
            observations=[_observation(reported) for reported in attribute.chosen],
            alternatives=[AlternativeAddress.of(reported) for reported in attribute.alternatives],
        )


def _observation(reported: ReportedValue) -> ObservationRef:
    return ObservationRef(source=reported.source, id=reported.observation_id)


def _address(reported: ReportedValue) -> Address:
    return Address.of({} if isinstance(reported.value, str) else reported.value)


Names = Annotated[list[str] | None, strawberry.argument(description="Return only attributes with these names.")]


@requires(PROFILE_READ, name=NAME_READ, given_name=NAME_READ, family_name=NAME_READ)
@strawberry.type(
    description="The attributes of a customer. Each shows the value chosen by its precedence rule, with its source and "
    "the alternatives. Null if no source reports a value."
)
class Profile:
    """A profile in GraphQL."""

    chosen: strawberry.Private[Mapping[str, ProfileAttribute]]
    types: strawberry.Private[Mapping[str, DomainAttributeDefinition]]

    def _text(self, name: str) -> TextAttribute | None:
        return TextAttribute.of(name, self.chosen.get(name))

    @strawberry.field(description="The full name. E.g. `Ann Meier`.")
    def name(self) -> TextAttribute | None:
        """Return the full name."""
        return self._text("name")

    @strawberry.field(description="The given name. E.g. `Ann`.")
    def given_name(self) -> TextAttribute | None:
        """Return the given name."""
        return self._text("given_name")

    @strawberry.field(description="The family name. E.g. `Meier`.")
    def family_name(self) -> TextAttribute | None:
        """Return the family name."""
        return self._text("family_name")

    @strawberry.field(description="The gender, as the source writes it. E.g. `female`.")
    def gender(self) -> TextAttribute | None:
        """Return the gender."""
        return self._text("gender")

    @strawberry.field(description="The date of birth. E.g. `1980-05-31`.")
    def birth_date(self) -> TextAttribute | None:
        """Return the date of birth."""
        return self._text("birth_date")

    @strawberry.field(description="The language, as a BCP 47 tag. E.g. `de-CH`.")
    def language(self) -> TextAttribute | None:
        """Return the language."""
        return self._text("language")

    @strawberry.field(description="The postal address.")
    def address(self) -> AddressAttribute | None:
        """Return the postal address."""
        return AddressAttribute.of("address", self.chosen.get("address"))

    @strawberry.field(
        description="All attributes with a value that are not addresses, including custom attributes of "
        "attributes.toml."
    )
    def text_attributes(self, names: Names = None) -> list[TextAttribute]:
        """Return the text attributes."""
        attributes = (self._text(name) for name in self._with_value(names) if self._is_text(name))
        return [attribute for attribute in attributes if attribute is not None]

    @strawberry.field(
        description="All address attributes with a value, including custom attributes of attributes.toml."
    )
    def address_attributes(self, names: Names = None) -> list[AddressAttribute]:
        """Return the address attributes."""
        selected = (name for name in self._with_value(names) if not self._is_text(name))
        attributes = (AddressAttribute.of(name, self.chosen.get(name)) for name in selected)
        return [attribute for attribute in attributes if attribute is not None]

    def _with_value(self, names: list[str] | None) -> list[str]:
        return [name for name in self.chosen if names is None or name in names]

    def _is_text(self, name: str) -> bool:
        return self.types[name].type is not AttributeType.ADDRESS


@requires(CATALOG_READ)
@strawberry.type(description="The definition of an attribute that sources can report.")
class AttributeDefinition:
    """A definition in GraphQL."""

    name: str = strawberry.field(description="The name of the attribute. E.g. `given_name`.")
    type: AttributeType = strawberry.field(description="The type of its values.")
    personal: bool = strawberry.field(description="Whether its values are personal data that identify a person.")
    precedence: Precedence = strawberry.field(
        description="The rule by which the profile chooses one of several values."
    )
    sources: list[str] = strawberry.field(
        description="The sources in order of priority, for the precedence `SOURCE_PRIORITY`. E.g. `crm`, `web-shop`."
    )

    @classmethod
    def of(cls, definition: DomainAttributeDefinition) -> "AttributeDefinition":
        """Convert the domain's value."""
        return cls(
            name=definition.name,
            type=definition.type,
            personal=definition.personal,
            precedence=definition.precedence,
            sources=list(definition.sources),
        )
