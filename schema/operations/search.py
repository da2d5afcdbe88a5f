"""The query `searchCustomers`."""

from typing import Annotated

import strawberry

from graph.domain.access.scopes import CUSTOMER_SEARCH
from graph.domain.profile.pages import ById, Page
from graph.domain.profile.search import SearchField, SearchResult
from schema.shared.connections import After, Connection, First, connection
from schema.shared.context import Info
from schema.shared.cursors import decode, encode, page_size
from schema.shared.enums import describe_enum
from schema.shared.lookahead import selection_of_nodes
from schema.shared.required_scopes import requires
from schema.types.customer import Customer

describe_enum(
    SearchField,
    "SearchField",
    "The data that a search covers.",
    IDENTIFIERS="Identifiers of known persons. E.g. email addresses, phone numbers, loyalty cards and order numbers.",
    ATTRIBUTES="Attributes. E.g. names and addresses.",
    INTERACTIONS="Texts of interactions. E.g. calls, chats, tickets and reviews.",
)
DEFAULT_FIELDS = (SearchField.IDENTIFIERS, SearchField.ATTRIBUTES)


@requires(CUSTOMER_SEARCH)
@strawberry.type(description="A value that matches words of a search.")
class SearchMatch:
    """A match in GraphQL."""

    field: str = strawberry.field(
        description="Where the value is stored: a namespace, the name of an attribute, or `text` of an interaction. "
        "E.g. `email`."
    )
    value: str = strawberry.field(description="The value that matches. E.g. `ann@example.com`.")


@requires(CUSTOMER_SEARCH)
@strawberry.type(description="A customer that matches all words of a search.")
class SearchHit:
    """A hit in GraphQL."""

    customer: Customer = strawberry.field(description="The customer.")
    matches: list[SearchMatch] = strawberry.field(description="The values that match.")

    @classmethod
    def of(cls, result: SearchResult, customer: Customer) -> "SearchHit":
        """Convert the domain's value."""
        return cls(
            customer=customer,
            matches=[SearchMatch(field=match.field, value=match.value) for match in result.matches],
        )


@requires(search_customers=CUSTOMER_SEARCH)
@strawberry.type
class SearchQueries:
    """Queries by words."""

    @strawberry.field(
        description="Search for customers by words in any order, best matches first. All words must match: a whole "
        "word or its beginning, with or without accents, and with a typo if nothing else matches. Or an identifier "
        "begins with the text; a phone number is also found by the last 4 or more digits."
    )
    async def search_customers(
        self,
        info: Info,
        text: Annotated[
            str, strawberry.argument(description="1 to 500 characters and up to 8 words. E.g. `ann meier`.")
        ],
        first: First = 10,
        after: After = None,
        fields: Annotated[
            list[SearchField] | None,
            strawberry.argument(description="The data to search. Without it, identifiers and attributes."),
        ] = None,
    ) -> Connection[SearchHit]:
        """Return a page of matching customers."""
        graph = info.context.graph
        position = None if after is None else decode(after, int, int, str)
        page = await graph.search(
            text,
            DEFAULT_FIELDS if fields is None else fields,
            position and (position[0], position[1], position[2]),
            page_size(first),
        )
        refs = [ById(result.customer) for result in page.items]
        views = await graph.customers(refs, selection_of_nodes(info, "customer"))
        hits = [(result, view) for result, view in zip(page.items, views, strict=True) if view is not None]
        connected: Connection[SearchHit] = connection(
            Page(hits, page.has_more),
            lambda pair: SearchHit.of(pair[0], info.context.present_customer(pair[1])),
            lambda pair: encode(*pair[0].position),
            after,
        )
        return connected
