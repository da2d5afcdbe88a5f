"""Relay connections over pages of the graph."""

from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeAlias, TypeVar

import strawberry
import strawberry.federation

from graph.domain.access.scopes import ANY
from graph.domain.profile.pages import Page
from schema.shared.derived_fields import derived_field
from schema.shared.required_scopes import requires

T = TypeVar("T")
First: TypeAlias = Annotated[int, strawberry.argument(description="The maximum number of items, 0 to 100.")]
After: TypeAlias = Annotated[
    str | None,
    strawberry.argument(description="Return items after this cursor. Without it, the list starts at the beginning."),
]


@requires(ANY)
@strawberry.federation.type(shareable=True, description="Information about a page. Lists are paginated forward.")
class PageInfo:
    """Relay's page info."""

    has_next_page: bool = strawberry.field(description="Whether more items follow.")
    has_previous_page: bool = strawberry.field(description="Whether the page was requested with `after`.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first item. Null if the page is empty.")
    end_cursor: str | None = strawberry.field(
        description="The cursor of the last item: `after` of the next page. Null if the page is empty."
    )


@requires(ANY)
@strawberry.type(description="An item of a list and its cursor.")
class Edge(Generic[T]):
    """An edge."""

    node: T = strawberry.field(description="The item.")
    cursor: str = strawberry.field(description="The cursor of the item.")


@requires(ANY)
@strawberry.type(description="A page of a list. Cursors stay valid when the list changes.")
class Connection(Generic[T]):
    """A connection; nodes and cursors are created only for the selected fields."""

    page: strawberry.Private[Page[Any]]
    node: strawberry.Private[Callable[[Any], Any]]
    cursor: strawberry.Private[Callable[[Any], str]]
    after: strawberry.Private[object]
    end: strawberry.Private[str | None] = None
    """The cursor up to which the list was read, where that is not the one of the last item."""

    @derived_field("The items with their cursors.")
    def edges(self) -> list[Edge[T]]:
        """Return the items with their cursors."""
        return [Edge(node=self.node(item), cursor=self.cursor(item)) for item in self.page.items]

    @derived_field("Information about the page.")
    def page_info(self) -> PageInfo:
        """Return information about the page."""
        items = self.page.items
        return PageInfo(
            has_next_page=self.page.has_more,
            has_previous_page=self.after is not None,
            start_cursor=self.cursor(items[0]) if items else None,
            end_cursor=self.end or (self.cursor(items[-1]) if items else None),
        )

    @derived_field("The items without their cursors.")
    def nodes(self) -> list[T]:
        """Return the items without their cursors."""
        return [self.node(item) for item in self.page.items]


def connection(
    page: Page[Any], node: Callable[[Any], T], cursor: Callable[[Any], str], after: object, end: str | None = None
) -> Any:
    """Return a page as a connection; `node` and `cursor` convert its items.

    `end` is the cursor of the next page where the list was read beyond the last item.
    """
    return Connection(page=page, node=node, cursor=cursor, after=after, end=end)
