"""Queries by words."""

from typing import Annotated

import strawberry

from graph.domain.profile.pages import ById, Page, Selection
from graph.domain.profile.search import Field, Found
from schema.shared.connections import After, Connection, First, connection
from schema.shared.context import Info
from schema.shared.cursors import decode, encode, page_size
from schema.shared.enums import described
from schema.shared.lookahead import selection_of
from schema.types.customer import Customer

described(
    Field,
    "SearchField",
    "What is searched.",
    IDENTIFIER="E-mail addresses, phone numbers, cards, order numbers and other identifiers that people know.",
    ATTRIBUTES="Names, addresses and other attributes.",
    INTERACTION="What was said or written in calls, chats, tickets and reviews.",
)
WHO = (Field.IDENTIFIER, Field.ATTRIBUTES)


@strawberry.type(description="What a word of the search found.")
class SearchMatch:
    """A match in GraphQL."""

    field: str = strawberry.field(description="A namespace, the name of an attribute, or `text`.")
    value: str = strawberry.field(description="The value that holds the word.")


@strawberry.type(description="A customer that matches all words of a search.")
class SearchHit:
    """A hit in GraphQL."""

    customer: Customer = strawberry.field(description="The customer.")
    matched: list[SearchMatch] = strawberry.field(description="What the words found.")

    @classmethod
    def of(cls, found: Found, customer: Customer) -> "SearchHit":
        """From the domain's value."""
        matched = [SearchMatch(field=one.field, value=one.value) for one in found.matched]
        return cls(customer=customer, matched=matched)


@strawberry.type
class SearchQueries:
    """What can be searched."""

    @strawberry.field(
        description="Customers by words, in any order: whole ones, beginnings, without accents, and with a typing "
        "error where nothing else matches. All words must match; the best come first."
    )
    async def search_customers(
        self,
        info: Info,
        text: Annotated[str, strawberry.argument(description="1 to 200 characters, up to 8 words.")],
        first: First = 10,
        after: After = None,
        fields: Annotated[
            list[Field] | None,
            strawberry.argument(description="What is searched; identifiers and attributes without it."),
        ] = None,
    ) -> Connection[SearchHit]:
        """A page of customers by words."""
        graph = info.context.graph
        place = None if after is None else decode(after, int, int, str)
        page = await graph.search(
            text, WHO if fields is None else fields, place and (place[0], place[1], place[2]), page_size(first)
        )
        both = [selection_of(info, *path, "customer") for path in (("nodes",), ("edges", "node"))]
        selection = Selection.of(one for found in both if found is not None for one in found.pages)
        views = await graph.customers([ById(found.customer) for found in page.items], selection)
        there = [(found, view) for found, view in zip(page.items, views, strict=True) if view is not None]
        result: Connection[SearchHit] = connection(
            Page(there, page.more),
            lambda pair: SearchHit.of(pair[0], info.context.present_customer(pair[1])),
            lambda pair: encode(*pair[0].place),
            after,
        )
        return result
