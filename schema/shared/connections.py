"""Relay connections over pages of the graph."""

from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeAlias, TypeVar

import strawberry
import strawberry.federation

from graph.domain.profile.pages import Page
from schema.shared.derived_fields import derived_field

T = TypeVar("T")
First: TypeAlias = Annotated[int, strawberry.argument(description="How many at most, 0 to 100.")]
After: TypeAlias = Annotated[str | None, strawberry.argument(description="The cursor after which the page begins.")]


@strawberry.federation.type(shareable=True, description="Where a page lies in its list.")
class PageInfo:
    """Relay's page info; lists are read forwards."""

    has_next_page: bool = strawberry.field(description="Whether items follow.")
    has_previous_page: bool = strawberry.field(description="Whether the page was asked for with `after`.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first item.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last item: `after` for the next page.")


@strawberry.type(description="An item of a list, and its place.")
class Edge(Generic[T]):
    """An edge."""

    node: T = strawberry.field(description="The item.")
    cursor: str = strawberry.field(description="Its place.")


@strawberry.type(description="A page of a list. Its cursors stay good while the list changes.")
class Connection(Generic[T]):
    """A connection; what is not asked for is not made."""

    page: strawberry.Private[Page[Any]]
    node: strawberry.Private[Callable[[Any], Any]]
    cursor: strawberry.Private[Callable[[Any], str]]
    after: strawberry.Private[object]

    @derived_field("The items with their places.")
    def edges(self) -> list[Edge[T]]:
        """The items with their places."""
        return [Edge(node=self.node(item), cursor=self.cursor(item)) for item in self.page.items]

    @derived_field("Where the page lies in the list.")
    def page_info(self) -> PageInfo:
        """Where the page lies in the list."""
        items = self.page.items
        return PageInfo(
            has_next_page=self.page.more,
            has_previous_page=self.after is not None,
            start_cursor=self.cursor(items[0]) if items else None,
            end_cursor=self.cursor(items[-1]) if items else None,
        )

    @derived_field("The items alone.")
    def nodes(self) -> list[T]:
        """The items alone."""
        return [self.node(item) for item in self.page.items]


def connection(page: Page[Any], node: Callable[[Any], T], cursor: Callable[[Any], str], after: object) -> Any:
    """A page as a connection."""
    return Connection(page=page, node=node, cursor=cursor, after=after)
