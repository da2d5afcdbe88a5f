"""What can be stated and asked of attributes."""

import strawberry
from strawberry.utils.str_converters import to_camel_case

from graph.domain.model.errors import InvalidInput, Problem
from graph.domain.profile.attributes import ADDRESS_PARTS, AttributesStatement, Value
from schema.operations.identifier_input import IdentifierInput
from schema.operations.observation_inputs import Party, own_id, pairs
from schema.operations.observations import taken_in
from schema.shared.context import Info
from schema.shared.scalars import Timestamp, readable
from schema.types.observation import ObservationsPayload
from schema.types.profile import Attribute

_TEXTS = ("name", "given_name", "family_name", "gender", "birth_date", "language")


@strawberry.input(description="A postal address, as far as it is known.")
class AddressInput:
    """An address on the way in."""

    street: str | None = strawberry.field(default=None, description="Street and house number.")
    postcode: str | None = strawberry.field(default=None, description="Postal code.")
    city: str | None = strawberry.field(default=None, description="Town.")
    country: str | None = strawberry.field(default=None, description="Country.")

    def read(self) -> Value:
        """As the domain's value."""
        return {part: text for part in ADDRESS_PARTS if (text := getattr(self, part))}


@strawberry.input(description="A value of any attribute that attributes.toml declares.")
class AttributeInput:
    """A value on the way in."""

    name: str = strawberry.field(description="The name of the attribute.")
    value: str | None = strawberry.field(default=None, description="Its value; null takes back what was stated before.")
    address: AddressInput | None = strawberry.field(default=None, description="Its value, where it is an address.")


_UNSET = "Null takes back what this source stated before; left out, nothing is said."


@strawberry.input(description="What a source says of a person, by any identifiers it knows them by.")
class AttributesInput:
    """A statement on the way in."""

    source: str = strawberry.field(description="Who says so: 1 to 100 characters.")
    identifiers: list[IdentifierInput] = strawberry.field(
        description="1 to 20 identifiers of the person; the statement hangs on the strongest and links all of them."
    )
    id: str | None = strawberry.field(
        default=None,
        description="The source's id for it, 1 to 200 characters. Without it the digest of all fields is the id.",
    )
    party: Party = strawberry.field(default=Party.FIRST, description="How near the source is.")
    stated_at: Timestamp | None = strawberry.field(
        default=None, description="When it was stated, at most 5 minutes ahead; without it the time of receipt counts."
    )
    name: str | None = strawberry.field(default=strawberry.UNSET, description=f"The whole name. {_UNSET}")
    given_name: str | None = strawberry.field(default=strawberry.UNSET, description=f"The given name. {_UNSET}")
    family_name: str | None = strawberry.field(default=strawberry.UNSET, description=f"The family name. {_UNSET}")
    gender: str | None = strawberry.field(default=strawberry.UNSET, description=f"The gender. {_UNSET}")
    birth_date: str | None = strawberry.field(
        default=strawberry.UNSET, description=f"The date of birth, YYYY-MM-DD, not in the future. {_UNSET}"
    )
    language: str | None = strawberry.field(default=strawberry.UNSET, description=f"The language, BCP 47. {_UNSET}")
    address: AddressInput | None = strawberry.field(default=strawberry.UNSET, description=f"The address. {_UNSET}")
    others: list[AttributeInput] = strawberry.field(
        default_factory=list, description="Values of further attributes that attributes.toml declares."
    )

    def read(self) -> AttributesStatement | Problem:
        """As the domain's value, or what cannot be read in it."""
        try:
            stated_at, id = readable(self.stated_at, "statedAt"), own_id(self.id)
        except InvalidInput as error:
            return error.problem()
        values: dict[str, Value | None] = {
            name: value for name in _TEXTS if (value := getattr(self, name)) is not strawberry.UNSET
        }
        if self.address is not strawberry.UNSET:
            values["address"] = None if self.address is None else self.address.read()
        paths: dict[str, tuple[str | int, ...]] = {name: (to_camel_case(name),) for name in values}
        for place, other in enumerate(self.others):
            if other.name in values:
                message = f"others: {other.name[:60]!r} is stated twice"
                return Problem("SAME_ATTRIBUTE", message, ("others", place, "name"))
            paths[other.name] = ("others", place, "value" if other.address is None else "address")
            values[other.name] = other.value if other.address is None else other.address.read()
        identifiers = pairs(self.identifiers)
        return AttributesStatement(self.source, identifiers, values, id, self.party.tier, stated_at, paths)


@strawberry.input(description="Statements about people to take in.")
class RecordAttributesInput:
    """The input of `recordAttributes`."""

    statements: list[AttributesInput] = strawberry.field(description="1 to 1,000 statements.")


@strawberry.type
class AttributeMutations:
    """What can be stated."""

    @strawberry.mutation(
        description="Take in what sources say of people. Every statement is kept; the profile shows one value an "
        "attribute, by precedence. A statement is an observation of its identifiers, and revoked like one."
    )
    async def record_attributes(self, info: Info, input: RecordAttributesInput) -> ObservationsPayload:
        """Take in statements."""
        return await taken_in(info, info.context.graph.record_attributes, input.statements)


@strawberry.type
class AttributeQueries:
    """What can be asked of attributes."""

    @strawberry.field(description="The attributes that sources may state.")
    def attributes(self, info: Info) -> list[Attribute]:
        """The declarations."""
        return [Attribute.of(one) for one in info.context.graph.catalogue.attributes.values()]
