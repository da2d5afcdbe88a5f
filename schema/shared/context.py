"""The context of a request, which every resolver can access."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import strawberry

from graph.domain.access.audit import NO_AUDIT, AuditReports
from graph.domain.access.processing_record import NO_PROCESSING_RECORDS, ProcessingRecords
from graph.domain.access.viewer import Viewer
from graph.domain.privacy.subject_requests import NO_SUBJECT_REQUESTS, SubjectRequests
from graph.domain.profile.pages import CustomerView, Selection
from graph.queries.subscriptions import FeedPlace
from graph.viewer_graph import ViewerGraph
from schema.shared.loaders import Loaders

if TYPE_CHECKING:
    from schema.types.customer import Customer


@dataclass(slots=True)
class FoundSelections:
    """The selections that look-ahead found with given values of variables, by field nodes and path."""

    variables: object = None
    by_nodes: dict[Any, tuple[Selection | None, object]] = field(default_factory=dict)


@dataclass(slots=True)
class Context:
    """The graph as the viewer of the request may use it.

    `is_authorized` returns whether the viewer's key or token is still valid: streams outlive them. `audit` reads who
    accessed whose data, `processing` makes the record of processing activities, `subject_requests` are those that the
    service has received.

    `present_customer` converts a view to its GraphQL type. `schema.root` sets it, so that types that lead to a
    customer need not import its module, which imports theirs. `feed_place` is where a subscription that is executed
    for several subscribers begins to read the feed.
    """

    graph: ViewerGraph
    present_customer: "Callable[[CustomerView], Customer]"
    is_authorized: Callable[[], bool]
    audit: AuditReports = NO_AUDIT
    processing: ProcessingRecords = NO_PROCESSING_RECORDS
    subject_requests: SubjectRequests = NO_SUBJECT_REQUESTS
    connection_params: dict[str, Any] = field(default_factory=dict)
    feed_place: FeedPlace | None = None
    loaders: Loaders = field(init=False)
    selections: FoundSelections = field(default_factory=FoundSelections)

    def __post_init__(self) -> None:
        self.loaders = Loaders(self.graph, self.audit)

    @property
    def viewer(self) -> Viewer:
        """Who sent the request."""
        return self.graph.viewer

    def customer_or_none(self, view: CustomerView | None) -> "Customer | None":
        """Return the customer of a view in GraphQL, if there is a view."""
        return None if view is None else self.present_customer(view)


Info: TypeAlias = strawberry.Info[Context, None]
