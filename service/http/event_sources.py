"""Where the events of a stream come from: one execution for all who ask the same, or one for each."""

from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing

from graphql import OperationType

from graph.domain.access.viewer import Viewer
from graph.domain.model.errors import InvalidInput
from graph.identity_graph import IdentityGraph
from graph.queries.subscriptions import FeedPlace
from graph.viewer_graph import ViewerGraph
from schema.execution.documents import Operation
from schema.execution.runner import (
    ExecutionAnswer,
    GraphQLRequest,
    OnPrepared,
    OperationRunner,
    failed,
    unauthorized,
)
from schema.execution.shared_feed import SharedFeed, shared_feed
from schema.root import new_context
from schema.shared.context import Context
from schema.shared.cursors import decode
from service.http.event_batches import EventBatch
from service.http.shared_feeds import Follower, Same, SharedFeeds, rights


class EventSources:
    """Runs operations of streams."""

    def __init__(self, graph: IdentityGraph, operations: OperationRunner) -> None:
        self._graph, self._operations = graph, operations
        self.feeds = SharedFeeds(lambda: graph.broadcaster.revision)

    def forget(self) -> None:
        """Keep no event: it may show somebody who was erased."""
        self.feeds.forget()

    async def batches(
        self,
        request: GraphQLRequest,
        context: Context,
        allowed: Collection[OperationType],
        on_prepared: OnPrepared | None = None,
    ) -> AsyncGenerator[EventBatch, None]:
        """Run any operation, as `OperationRunner.stream`, and yield its answers as far as they can be sent at once."""
        try:
            operation, rejected = self._operations.prepare(request, context.viewer, allowed, on_prepared)
            if rejected is not None:
                yield EventBatch([rejected])
                return
            feed = shared_feed(operation, request)
            follower = None if feed is None else await self._follower(feed)
            if feed is None or follower is None:
                # Also for a cursor that is not valid: the field reports it.
                source = self._alone(operation, request, context)
            else:
                source = self._shared(operation, request, context, feed, follower)
            async with aclosing(source) as batches:
                async for batch in batches:
                    yield batch
        except Exception as error:
            yield EventBatch([failed(error)])

    async def _alone(
        self, operation: Operation, request: GraphQLRequest, context: Context
    ) -> AsyncGenerator[EventBatch, None]:
        async with aclosing(self._operations.prepared_stream(operation, request, context)) as answers:
            async for answer in answers:
                yield EventBatch([answer])

    async def _follower(self, feed: SharedFeed) -> Follower | None:
        """Return a follower at the position where a subscription begins; `None` if its cursor is not valid."""
        try:
            number = None if feed.after is None else decode(feed.after, int)[0]
        except InvalidInput:
            return None
        position = await self._graph.broadcaster.place_after(number)
        return None if position is None else Follower(position)

    async def _shared(
        self, operation: Operation, request: GraphQLRequest, context: Context, feed: SharedFeed, follower: Follower
    ) -> AsyncGenerator[EventBatch, None]:
        graph = self._graph
        question = (*feed.question, Same(graph.rules), Same(graph.catalog), Same(graph.policies))

        def make(viewer: Viewer, place: FeedPlace) -> AsyncGenerator[ExecutionAnswer, None]:
            shared = new_context(ViewerGraph(graph, viewer))
            shared.feed_place = place
            return self._noting_accesses(operation, request, shared)

        with graph.broadcaster.follower(follower):
            async with aclosing(self.feeds.follow(question, rights(context.viewer), follower, make)) as batches:
                async for batch in batches:
                    if not context.is_authorized():
                        yield EventBatch([unauthorized()])
                        return
                    yield batch

    async def _noting_accesses(
        self, operation: Operation, request: GraphQLRequest, context: Context
    ) -> AsyncGenerator[ExecutionAnswer, None]:
        async with aclosing(self._operations.prepared_stream(operation, request, context)) as answers:
            async for answer in answers:
                answer.accessed = context.graph.take_accessed()
                yield answer
