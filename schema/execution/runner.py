"""Runs one operation: validates it, checks its weight and executes it within its time limit."""

from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from enum import Enum
from inspect import isawaitable
from typing import Any, cast

from graphql import GraphQLError, OperationType
from graphql.execution import ExecutionResult, execute, subscribe
from msgspec import Struct
from strawberry import Schema
from strawberry.execution import optimized_is_awaitable

from graph.domain.access.accessed import Accessed
from graph.domain.access.viewer import Viewer
from graph.domain.model.errors import KithError
from graph.domain.profile.pages import MAX_PAGE
from graph.runtime.timeouts import SharedTimeout
from schema.execution.bookmarks import EXTENSION, encoded
from schema.execution.compiled import CompiledExecutor, plans_of
from schema.execution.costs import MAX_ITEMS
from schema.execution.documents import Documents, Operation, OperationWeight, shortened, shown_number
from schema.execution.limits import Limits
from schema.execution.sizes import has_more_values
from schema.execution.visible_schema import VisibleSchemas
from schema.shared.context import Context

QUERIES = frozenset({OperationType.QUERY})
ALL = frozenset(OperationType)
OnPrepared = Callable[[Operation, int], None]
"""Called with the requested operation and its cost before it begins, also if it is rejected for its cost; with the cost
0 if the caller may not run it."""


class Stage(Enum):
    """The stage in which a request ended."""

    PARSING = "parsing"
    VALIDATION = "validation"
    METHOD = "method"
    ACCESS = "access"
    TIME = "time"
    EXECUTION = "execution"


@dataclass(slots=True)
class ExecutionAnswer:
    """The answer to a request. Unless `executed`, it has no `data`, not even null."""

    stage: Stage
    data: dict[str, Any] | None = None
    errors: list[GraphQLError] | None = None
    extensions: dict[str, Any] | None = None
    accessed: Accessed | None = None
    """What it shows, if it was not made for one viewer alone, whose graph knows it otherwise."""

    @property
    def executed(self) -> bool:
        """Whether execution began; invalid variables are reported before it."""
        return self.stage is Stage.EXECUTION


class GraphQLRequest(Struct, frozen=True):
    """A GraphQL request. With `include_cost`, the answer's extensions contain the cost."""

    query: str
    variables: Mapping[str, Any]
    operation_name: str | None = None
    include_cost: bool = False


class OperationRunner:
    """Runs operations of a schema within limits.

    `bookmarks` returns what callers send to another process to see there what they have seen here; most often empty.
    """

    def __init__(self, schema: Schema, limits: Limits, bookmarks: Callable[[], Collection[str]] = frozenset) -> None:
        self._bookmarks = bookmarks
        self._schema, self._core, self.limits = schema, schema._schema, limits
        self.documents = Documents(self._core, limits)
        self._visible_schemas = VisibleSchemas(self._core)
        self._timeout = SharedTimeout(limits.seconds)

    def prepare(
        self,
        request: GraphQLRequest,
        viewer: Viewer,
        allowed: Collection[OperationType],
        on_prepared: OnPrepared | None = None,
    ) -> tuple[Operation, ExecutionAnswer | None]:
        """Return the requested operation, or the answer that rejects it.

        This is the one door of all transports, so here it is checked what the viewer may select.
        """
        document = self.documents.get(request.query)
        if document.errors:
            stage = Stage.VALIDATION if document.parsed else Stage.PARSING
            return _NO_OPERATION, ExecutionAnswer(stage, errors=document.errors)
        operation = document.operation(request.operation_name)
        if isinstance(operation, GraphQLError):
            return _NO_OPERATION, ExecutionAnswer(Stage.VALIDATION, errors=[operation])
        kind = operation.node.operation
        if kind not in allowed:
            error = GraphQLError(
                f"a {kind.value} is not allowed in this kind of request", extensions={"code": "METHOD_NOT_ALLOWED"}
            )
            return _NO_OPERATION, ExecutionAnswer(Stage.METHOD, errors=[error])
        if not operation.needs.scopes <= viewer.scopes:
            if on_prepared is not None:
                on_prepared(operation, 0)
            return _NO_OPERATION, _forbidden(operation, viewer)
        weight = operation.weight(request.variables)
        if on_prepared is not None:
            on_prepared(operation, weight.cost)
        if (message := self._exceeded_limit(weight, request.variables)) is not None:
            error = GraphQLError(message, operation.node, extensions={"code": "QUERY_TOO_COMPLEX"})
            return _NO_OPERATION, ExecutionAnswer(Stage.VALIDATION, errors=[error])
        return operation, None

    def _exceeded_limit(self, weight: OperationWeight, sent: Mapping[str, Any]) -> str | None:
        limits = self.limits
        # A batch that is a little too long is reported by its field.
        if weight.batch > 2 * MAX_ITEMS:
            return f"a batch has {weight.batch} items; {MAX_ITEMS} are allowed"
        if has_more_values(sent, limits.values):
            return f"the variables contain more than {limits.values} values: send several requests"
        if weight.cost > limits.cost:
            cost = shown_number(weight.cost)
            return f"the operation may cost {cost}; {limits.cost} is allowed: request smaller pages or fewer objects"
        # A size that no page may ever have is reported by the field that requests it.
        if limits.page < weight.page <= MAX_PAGE:
            return f"first is {weight.page}; pages of up to {limits.page} are allowed"
        return None

    async def run(
        self,
        request: GraphQLRequest,
        context: Context,
        allowed: Collection[OperationType],
        on_prepared: OnPrepared | None = None,
    ) -> ExecutionAnswer:
        """Run a query or a mutation. `on_prepared` is called with the operation and its cost before it begins."""
        try:
            operation, rejected = self.prepare(request, context.viewer, allowed, on_prepared)
            return await self._run(operation, request, context) if rejected is None else rejected
        except Exception as error:
            return failed(error)

    async def _run(self, operation: Operation, request: GraphQLRequest, context: Context) -> ExecutionAnswer:
        try:
            with self._timeout.scope():
                result = await self._execute(operation, request, context)
                if not isinstance(result, ExecutionResult):
                    result = await result
        except TimeoutError:
            message = f"the operation took longer than {self.limits.seconds:g} s and was stopped"
            if operation.node.operation is OperationType.MUTATION:
                message += "; its writes may have been stored: retry to find out"
            return ExecutionAnswer(Stage.TIME, errors=[GraphQLError(message, extensions={"code": "TIMEOUT"})])
        answer = _answer(result)
        if request.include_cost:
            answer.extensions = self._cost_extension(operation, request)
        if bookmarks := self._bookmarks():
            answer.extensions = {**(answer.extensions or {}), EXTENSION: encoded(bookmarks)}
        return answer

    async def _execute(self, operation: Operation, request: GraphQLRequest, context: Context) -> Any:
        """Return the result of an operation, or a coroutine of it. Documents run compiled from their second run on."""
        options: dict[str, Any] = {
            "context_value": context,
            "operation_name": request.operation_name,
            "is_awaitable": optimized_is_awaitable,
            "hide_suggestions": not self.limits.details,
        }
        core = self._visible_schemas.of(context.viewer.scopes) if operation.introspects else self._core
        plans = self.documents.plans(operation, request.variables) if self.limits.compiled else None
        if plans is None:
            options["executor_class"] = self._schema.execution_context_class
            return execute(core, operation.document, variable_values=dict(request.variables), **options)
        precoerced = await plans.coerce_cooperatively(request.variables)
        executor = CompiledExecutor.of(plans, core, operation.document, request.variables, precoerced, **options)
        return ExecutionResult(None, executor) if isinstance(executor, list) else executor.execute_operation()

    def _cost_extension(self, operation: Operation, request: GraphQLRequest) -> dict[str, Any]:
        cost, limit = operation.weight(request.variables).cost, self.limits.cost
        return {"cost": {"requested": cost, "limit": limit, "left": limit - cost}}

    async def stream(
        self,
        request: GraphQLRequest,
        context: Context,
        allowed: Collection[OperationType],
        on_prepared: OnPrepared | None = None,
    ) -> AsyncGenerator[ExecutionAnswer, None]:
        """Run any operation: a subscription yields one answer per event, other operations yield one answer."""
        try:
            operation, rejected = self.prepare(request, context.viewer, allowed, on_prepared)
        except Exception as error:
            rejected = failed(error)
        if rejected is not None:
            yield rejected
            return
        async with aclosing(self.prepared_stream(operation, request, context)) as answers:
            async for answer in answers:
                yield answer

    async def prepared_stream(
        self, operation: Operation, request: GraphQLRequest, context: Context
    ) -> AsyncGenerator[ExecutionAnswer, None]:
        """Run an operation of `prepare`, as `stream`."""
        source: Any = None
        try:
            if operation.node.operation is not OperationType.SUBSCRIPTION:
                yield await self._run(operation, request, context)
            else:
                source = self._subscribe(operation, request, context)
                source = await source if isawaitable(source) else source
                if isinstance(source, ExecutionResult):
                    yield ExecutionAnswer(Stage.VALIDATION, errors=source.errors)
                    return
                async for result in source:
                    if not context.is_authorized():
                        yield unauthorized()
                        return
                    yield _answer(result)
        except Exception as error:
            # graphql-core reports errors of resolvers, but not errors of the source of events.
            yield failed(error)
        finally:
            if (close := getattr(source, "aclose", None)) is not None:
                await close()

    def _subscribe(self, operation: Operation, request: GraphQLRequest, context: Context) -> Any:
        """Return the source of a subscription's results, or its errors, or an awaitable of either."""
        return subscribe(
            self._core,
            operation.document,
            variable_values=dict(request.variables),
            operation_name=request.operation_name,
            context_value=context,
            executor_class=self._subscription_executor_class(operation),
            hide_suggestions=not self.limits.details,
        )

    def _subscription_executor_class(self, operation: Operation) -> type[Any]:
        """Return the executor class of a subscription's events. It is compiled at once, because events are many."""
        plans = plans_of(operation.document) if self.limits.compiled else None
        if plans is None:
            return cast("type[Any]", self._schema.execution_context_class)
        return type("EventExecutor", (CompiledExecutor,), {"plans": plans})


def rejection(error: KithError) -> ExecutionAnswer:
    """Return the answer to a request that is not executed."""
    return ExecutionAnswer(Stage.VALIDATION, errors=[GraphQLError(error.message, original_error=error)])


def _forbidden(operation: Operation, viewer: Viewer) -> ExecutionAnswer:
    """Return the answer to an operation that selects what the viewer may not. It says nothing about stored data."""
    missing = operation.needs.missing(viewer.scopes)
    fields = "; ".join(f"{', '.join(coordinates)} (scope {scope})" for scope, coordinates in missing.items())
    extensions = {
        "code": "FORBIDDEN",
        "coordinates": [coordinate for coordinates in missing.values() for coordinate in coordinates],
    }
    error = GraphQLError(f"the role {viewer.role} may not access {fields}", operation.node, extensions=extensions)
    return ExecutionAnswer(Stage.ACCESS, errors=[error])


def unauthorized() -> ExecutionAnswer:
    """Return the last answer of a stream whose key or token is no longer valid."""
    error = GraphQLError("the key or token is no longer valid", extensions={"code": "UNAUTHENTICATED"})
    return ExecutionAnswer(Stage.ACCESS, errors=[error])


def failed(error: Exception) -> ExecutionAnswer:
    """Return the answer if not a field but the whole operation failed, for example the source of events."""
    return ExecutionAnswer(Stage.EXECUTION, errors=[GraphQLError("the operation failed", original_error=error)])


_NO_OPERATION: Any = None


def _answer(result: ExecutionResult) -> ExecutionAnswer:
    # Invalid variables are reported without a path, before anything is executed.
    executed = result.data is not None or any(error.path for error in result.errors or ())
    if not executed and result.errors:
        result.errors = [shortened(error) for error in result.errors]
    return ExecutionAnswer(Stage.EXECUTION if executed else Stage.VALIDATION, result.data, result.errors)
