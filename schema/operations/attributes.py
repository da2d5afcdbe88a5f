"""The mutation that records attributes, and the query of their definitions."""

import strawberry
from strawberry.utils.str_converters import to_camel_case

from graph.domain.access.scopes import CATALOG_READ, OBSERVATION_WRITE
from graph.domain.model.errors import InvalidInput, Problem
from graph.domain.profile.attributes import AttributesStatement, Value
from graph.domain.profile.catalog import ADDRESS_PARTS
from schema.operations.identifier_input import IdentifierInput
from schema.operations.observation_inputs import checked_id, pairs
from schema.operations.observations import record_batch
from schema.shared.context import Info
from schema.shared.evidence_tier import STATED_PARTY, STATED_SOURCE, Party, party_of
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp, require_valid
from schema.types.observation import ObservationsPayload
from schema.types.profile import AttributeDefinition

_TEXT_ATTRIBUTES = ("name", "given_name", "family_name", "gender", "birth_date", "language")


@strawberry.input(description="A postal address. At least one part is required.")
class AddressInput:
    """An address as a client sends it."""

    street: str | None = strawberry.field(
        default=None, description="The street and house number. E.g. `Bahnhofstrasse 1`."
    )
    postal_code: str | None = strawberry.field(default=None, description="The postal code. E.g. `8001`.")
    city: str | None = strawberry.field(default=None, description="The city or town. E.g. `Zürich`.")
    region: str | None = strawberry.field(default=None, description="The state, province or region. E.g. `ZH`.")
    country: str | None = strawberry.field(default=None, description="The country. E.g. `CH`.")

    def to_domain(self) -> Value:
        """Convert to the domain's value."""
        return {part: text for part in ADDRESS_PARTS if (text := getattr(self, part))}


@strawberry.input(description="A value of an attribute that is configured in attributes.toml.")
class AttributeInput:
    """A value as a client sends it."""

    name: str = strawberry.field(description="The name of the attribute. E.g. `interests`.")
    value: str | None = strawberry.field(
        default=None, description="The value. Null removes the value that this source reported before."
    )
    address: AddressInput | None = strawberry.field(
        default=None, description="The value of an address attribute, instead of `value`."
    )


_NULL_REMOVES = "Null removes the value that this source reported before; omit the field to keep it."


@strawberry.input(description="Attributes of a person, as reported by a source.")
class AttributesInput:
    """Attributes as a client sends them."""

    source: str = strawberry.field(description=f"The source of the attributes, {STATED_SOURCE} E.g. `crm`.")
    identifiers: list[IdentifierInput] = strawberry.field(
        description="1 to 20 identifiers of the person. The attributes are attached to the one with the strongest "
        "namespace, and all of them are linked."
    )
    id: str | None = strawberry.field(
        default=None,
        description="The id of the record at its source, 1 to 200 characters. Without it, a hash of all fields is "
        "the id, so identical records count as one.",
    )
    party: Party | None = strawberry.field(default=None, description=STATED_PARTY)
    reported_at: Timestamp | None = strawberry.field(
        default=None,
        description="When the source reported the attributes, at most 5 minutes in the future. Without it, the time of "
        "receipt.",
    )
    name: str | None = strawberry.field(
        default=strawberry.UNSET, description=f"The full name. E.g. `Ann Meier`. {_NULL_REMOVES}"
    )
    given_name: str | None = strawberry.field(
        default=strawberry.UNSET, description=f"The given name. E.g. `Ann`. {_NULL_REMOVES}"
    )
    family_name: str | None = strawberry.field(
        default=strawberry.UNSET, description=f"The family name. E.g. `Meier`. {_NULL_REMOVES}"
    )
    gender: str | None = strawberry.field(
        default=strawberry.UNSET, description=f"The gender. E.g. `female`. {_NULL_REMOVES}"
    )
    birth_date: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"The date of birth, not in the future. E.g. `1980-05-31`. {_NULL_REMOVES}",
    )
    language: str | None = strawberry.field(
        default=strawberry.UNSET, description=f"The language, as a BCP 47 tag. E.g. `de-CH`. {_NULL_REMOVES}"
    )
    address: AddressInput | None = strawberry.field(
        default=strawberry.UNSET, description=f"The postal address. {_NULL_REMOVES}"
    )
    custom_attributes: list[AttributeInput] = strawberry.field(
        default_factory=list, description="Values of further attributes that are configured in attributes.toml."
    )

    def to_domain(self, nearest: Party) -> AttributesStatement | Problem:
        """Convert to the domain's value, or return the first problem; `nearest` is the nearest party of the caller."""
        try:
            reported_at, id = require_valid(self.reported_at, "reportedAt"), checked_id(self.id)
        except InvalidInput as error:
            return error.problem()
        values: dict[str, Value | None] = {
            name: value for name in _TEXT_ATTRIBUTES if (value := getattr(self, name)) is not strawberry.UNSET
        }
        if self.address is not strawberry.UNSET:
            values["address"] = None if self.address is None else self.address.to_domain()
        paths: dict[str, tuple[str | int, ...]] = {name: (to_camel_case(name),) for name in values}
        for position, attribute in enumerate(self.custom_attributes):
            if attribute.name in values:
                message = f"customAttributes: duplicate name {attribute.name[:60]!r}"
                return Problem("DUPLICATE_ATTRIBUTE", message, ("customAttributes", position, "name"))
            paths[attribute.name] = ("customAttributes", position, "value" if attribute.address is None else "address")
            values[attribute.name] = attribute.value if attribute.address is None else attribute.address.to_domain()
        identifiers = pairs(self.identifiers)
        return AttributesStatement(
            self.source, identifiers, values, id, party_of(self.party, nearest), reported_at, paths
        )


@strawberry.input(description="The input of `recordAttributes`.")
class RecordAttributesInput:
    """The input of `recordAttributes`."""

    attributes: list[AttributesInput] = strawberry.field(
        description="1 to 1,000 records, each with the attributes of one person."
    )


@requires(record_attributes=OBSERVATION_WRITE)
@strawberry.type
class AttributeMutations:
    """Mutations of attributes."""

    @strawberry.mutation(
        description="Record attributes of people. All records are stored; the profile shows the value chosen by the "
        "precedence rule of each attribute. A record also links its identifiers, and `revokeObservations` revokes it."
    )
    async def record_attributes(self, info: Info, input: RecordAttributesInput) -> ObservationsPayload:
        """Record attributes."""
        return await record_batch(info, info.context.graph.record_attributes, input.attributes)


@requires(attribute_definitions=CATALOG_READ)
@strawberry.type
class AttributeQueries:
    """Queries of attributes."""

    @strawberry.field(description="The attributes that sources can report, built-in and from attributes.toml.")
    def attribute_definitions(self, info: Info) -> list[AttributeDefinition]:
        """Return the definitions."""
        return [AttributeDefinition.of(attribute) for attribute in info.context.graph.catalog.attributes.values()]
