"""Relay connections over pages of the graph."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import strawberry
import strawberry.federation

from graph.domain.views import Page

T = TypeVar("T")


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
    """A connection."""

    edges: list[Edge[T]] = strawberry.field(description="The items with their places.")
    page_info: PageInfo = strawberry.field(description="Where the page lies in the list.")

    @strawberry.field(description="The items alone.")
    def nodes(self) -> list[T]:
        """The items alone."""
        return [edge.node for edge in self.edges]


def connection(page: Page[Any], node: Callable[[Any], T], cursor: Callable[[Any], str], after: object) -> Any:
    """A page as a connection."""
    edges = [Edge(node=node(item), cursor=cursor(item)) for item in page.items]
    info = PageInfo(
        has_next_page=page.more,
        has_previous_page=after is not None,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return Connection(edges=edges, page_info=info)
