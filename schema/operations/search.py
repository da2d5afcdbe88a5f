"""Queries by words."""

from typing import Annotated

import strawberry

from graph.domain.profile.pages import ById, Selection
from graph.domain.profile.search import Field, Found
from schema.shared.context import Info
from schema.shared.cursors import page_size
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
        first: Annotated[int, strawberry.argument(description="How many at most, 0 to 100.")] = 10,
        fields: Annotated[
            list[Field] | None,
            strawberry.argument(description="What is searched; identifiers and attributes without it."),
        ] = None,
    ) -> list[SearchHit]:
        """Customers by words."""
        graph = info.context.graph
        found = await graph.search(text, WHO if fields is None else fields, page_size(first))
        selection = selection_of(info, "customer") or Selection()
        views = await graph.customers([ById(one.customer) for one in found], selection)
        pairs = zip(found, views, strict=True)
        return [SearchHit.of(one, info.context.present_customer(view)) for one, view in pairs if view is not None]
