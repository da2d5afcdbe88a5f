"""Queries and mutations of audiences."""

from collections.abc import Awaitable
from typing import Annotated

import strawberry

from graph.domain.access.scopes import AUDIENCE_WRITE, DESTINATION_READ
from graph.domain.model.audiences import Audience as DomainAudience
from graph.domain.model.errors import InvalidInput
from graph.domain.profile.pages import page_after
from schema.shared.channels import Channel
from schema.shared.connections import After, Connection, First, connection
from schema.shared.context import Info
from schema.shared.cursors import decode, encode, page_size
from schema.shared.problems import Problem
from schema.shared.required_scopes import requires
from schema.types.destination import Audience, AudiencePayload, AudiencePreview


@strawberry.input(description="What is sent beside each address of an audience.")
class AudienceFieldInput:
    """A field of an audience as a client sends it."""

    name: str = strawberry.field(
        description="The name of the field at the destination, 1 to 100 characters. E.g. `FNAME`."
    )
    attribute: str = strawberry.field(
        description="The attribute of the customer, such as `given_name`, or a part of one, such as `address.city`; or "
        "`order_count`, `revenue`, `currency`, `last_order_at`."
    )


@strawberry.input(description="The input of `createAudience` and `previewAudience`.")
class CreateAudienceInput:
    """The input of `createAudience` and `previewAudience`."""

    segment_id: strawberry.ID = strawberry.field(description="The id of the segment.")
    destination: str = strawberry.field(
        description="The name of the destination; `destinations` lists them. E.g. `newsletter-tool`."
    )
    purpose: str = strawberry.field(
        description="The purpose of the data use; attributes.toml lists the allowed ones. Only addresses of which "
        "consent for it holds are sent, unless it needs none. E.g. `newsletter`."
    )
    channel: Channel = strawberry.field(description="The channel that the addresses are used for. E.g. `EMAIL`.")
    namespaces: list[str] | None = strawberry.field(
        default=None,
        description="The namespaces of the identifiers that are sent. Without them, those of the channel that the "
        'destination takes. E.g. `["email"]`.',
    )
    external_id: str | None = strawberry.field(
        default=None, description="The id of the list at the destination, up to 200 characters."
    )
    fields: list[AudienceFieldInput] | None = strawberry.field(
        default=None, description="What is sent beside each address: up to 50 fields with different names."
    )
    ttl_days: int | None = strawberry.field(
        default=None,
        description="After how many days the destination shall forget an address, 1 to 3,650; it is sent again before. "
        "Without it, never.",
    )

    def audience(self) -> DomainAudience:
        """Return the audience; raise `InvalidInput` if a field is named twice."""
        fields = {field.name: field.attribute for field in self.fields or ()}
        if len(fields) < len(self.fields or ()):
            names = [field.name for field in self.fields or ()]
            doubled = next(name for name in names if names.count(name) > 1)
            raise InvalidInput("INVALID_VALUE", f"fields: {doubled[:60]!r} is named twice", ("fields",))
        return DomainAudience(
            "",
            self.destination,
            str(self.segment_id),
            self.purpose,
            self.channel,
            tuple(dict.fromkeys(self.namespaces or ())),
            self.external_id or "",
            fields,
            self.ttl_days,
        )


@strawberry.input(description="The input of `endAudience`.")
class EndAudienceInput:
    """The input of `endAudience`."""

    id: strawberry.ID = strawberry.field(description="The id of the audience.")


@requires(audiences=DESTINATION_READ, audience=DESTINATION_READ, preview_audience=AUDIENCE_WRITE)
@strawberry.type
class AudienceQueries:
    """Queries of audiences."""

    @strawberry.field(description="All audiences, by id: which segments are sent to which destinations.")
    async def audiences(self, info: Info, first: First = 20, after: After = None) -> Connection[Audience]:
        """Return a page of audiences."""
        id = None if after is None else str(decode(after, str)[0])
        audiences = await info.context.graph.audiences()
        page = page_after(audiences, lambda audience: audience.id, id, page_size(first))
        result: Connection[Audience] = connection(page, Audience.of, lambda audience: encode(audience.id), after)
        return result

    @strawberry.field(description="The audience with this id. Null if it does not exist.")
    async def audience(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The id of the audience.")]
    ) -> Audience | None:
        """Return one audience."""
        audience = await info.context.graph.audience(str(id))
        return None if audience is None else Audience.of(audience)

    @strawberry.field(
        description="How many addresses an audience would have if it were created now. Changes no data, and sends "
        "nothing."
    )
    async def preview_audience(
        self,
        info: Info,
        input: Annotated[CreateAudienceInput, strawberry.argument(description="The audience.")],
    ) -> AudiencePreview:
        """Return a preview."""
        return AudiencePreview.of(await info.context.graph.preview_audience(input.audience()))


@requires(create_audience=AUDIENCE_WRITE, end_audience=AUDIENCE_WRITE)
@strawberry.type
class AudienceMutations:
    """Mutations of audiences."""

    @strawberry.mutation(
        description="Send the members of a segment to a destination, from now on: who enters is added, whoever leaves, "
        "withdraws consent, objects or is erased is removed. If an audience with the same values exists, it is "
        "returned."
    )
    async def create_audience(self, info: Info, input: CreateAudienceInput) -> AudiencePayload:
        """Create an audience."""

        async def create() -> DomainAudience:
            return await info.context.graph.create_audience(input.audience())

        return await _payload(create())

    @strawberry.mutation(
        description="Stop sending a segment to a destination. All addresses are removed from it, and then the audience "
        "is gone."
    )
    async def end_audience(self, info: Info, input: EndAudienceInput) -> AudiencePayload:
        """End an audience."""
        return await _payload(info.context.graph.end_audience(str(input.id)))


async def _payload(result: Awaitable[DomainAudience]) -> AudiencePayload:
    try:
        return AudiencePayload(audience=Audience.of(await result), errors=[])
    except InvalidInput as error:
        return AudiencePayload(audience=None, errors=[Problem.of(error.problem())])
