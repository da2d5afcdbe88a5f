"""How one operation is run: looked through, weighed, executed within its time."""

from collections.abc import AsyncGenerator, Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from inspect import isawaitable
from typing import Any, cast

from graphql import GraphQLError, OperationType
from graphql.execution import ExecutionResult, execute, subscribe
from msgspec import Struct
from strawberry import Schema
from strawberry.execution import optimized_is_awaitable

from graph.domain.model.errors import InvalidInput
from graph.domain.profile.pages import MAX_PAGE
from graph.runtime.timeouts import TimeLimit
from schema.execution.compiled import CompiledExecutor, plans_of
from schema.execution.documents import Documents, Operation, Weight
from schema.execution.limits import Limits
from schema.shared.context import Context

QUERIES = frozenset({OperationType.QUERY})
ALL = frozenset(OperationType)


class Stage(Enum):
    """How far a request came."""

    PARSING = "parsing"
    VALIDATION = "validation"
    METHOD = "method"
    TIME = "time"
    EXECUTION = "execution"


@dataclass(slots=True)
class Answer:
    """What a request is answered with. Without `executed` there is no `data`, not even null."""

    stage: Stage
    data: dict[str, Any] | None = None
    errors: list[GraphQLError] | None = None
    extensions: dict[str, Any] | None = None

    @property
    def executed(self) -> bool:
        """Whether execution began: variables that do not fit are told before."""
        return self.stage is Stage.EXECUTION


class Asked(Struct, frozen=True):
    """A request in GraphQL. `tell_cost` asks for the cost in the answer's extensions."""

    query: str
    variables: Mapping[str, Any]
    operation_name: str | None = None
    tell_cost: bool = False


class Operations:
    """Runs operations over a schema within limits."""

    def __init__(self, schema: Schema, limits: Limits) -> None:
        self._schema, self._core, self.limits = schema, schema._schema, limits
        self.documents = Documents(self._core, limits)
        self._time = TimeLimit(limits.seconds)

    def begin(self, asked: Asked, allowed: Collection[OperationType]) -> tuple[Operation, Answer | None]:
        """The operation that is asked for, or the answer that refuses it."""
        document = self.documents.get(asked.query)
        if document.errors:
            stage = Stage.VALIDATION if document.parsed else Stage.PARSING
            return _NONE, Answer(stage, errors=document.errors)
        operation = document.operation(asked.operation_name)
        if isinstance(operation, GraphQLError):
            return _NONE, Answer(Stage.VALIDATION, errors=[operation])
        kind = operation.node.operation
        if kind not in allowed:
            error = GraphQLError(f"a {kind.value} cannot be sent this way", extensions={"code": "NOT_THIS_WAY"})
            return _NONE, Answer(Stage.METHOD, errors=[error])
        if (heavy := self._too_heavy(operation.weight(asked.variables))) is not None:
            error = GraphQLError(heavy, operation.node, extensions={"code": "LIMIT_REACHED"})
            return _NONE, Answer(Stage.VALIDATION, errors=[error])
        return operation, None

    def _too_heavy(self, weight: Weight) -> str | None:
        limits = self.limits
        if weight.cost > limits.cost:
            shown = str(weight.cost) if weight.cost < 10**9 else "more than a billion"
            return f"the operation may cost {shown}; {limits.cost} is allowed: ask for smaller pages or less at once"
        # What no page may ever be is told by the field that asks for it.
        if limits.page < weight.page <= MAX_PAGE:
            return f"first is {weight.page}; pages of up to {limits.page} are allowed here"
        return None

    async def run(self, asked: Asked, context: Context, allowed: Collection[OperationType]) -> Answer:
        """Run a query or a mutation."""
        operation, refused = self.begin(asked, allowed)
        if refused is not None:
            return refused
        try:
            with self._time.within():
                result = await self._execute(operation, asked, context)
                if not isinstance(result, ExecutionResult):
                    result = await result
        except TimeoutError:
            message = f"the operation took longer than {self.limits.seconds:g} s and was stopped"
            if operation.node.operation is OperationType.MUTATION:
                message += "; what it writes may be stored all the same: send it again to learn"
            return Answer(Stage.TIME, errors=[GraphQLError(message, extensions={"code": "TIMEOUT"})])
        answer = _answer(result)
        if asked.tell_cost:
            answer.extensions = self._told(operation, asked)
        return answer

    async def _execute(self, operation: Operation, asked: Asked, context: Context) -> Any:
        """The result of an operation or a coroutine of it: compiled where its document was seen before."""
        chosen: dict[str, Any] = {
            "context_value": context,
            "operation_name": asked.operation_name,
            "is_awaitable": optimized_is_awaitable,
            "hide_suggestions": not self.limits.details,
        }
        plans = self.documents.plans(operation) if self.limits.compiled else None
        if plans is None:
            chosen["executor_class"] = self._schema.execution_context_class
            return execute(self._core, operation.document, variable_values=dict(asked.variables), **chosen)
        ready = await plans.in_turns(asked.variables)
        executor = CompiledExecutor.of(plans, self._core, operation.document, asked.variables, ready, **chosen)
        return ExecutionResult(None, executor) if isinstance(executor, list) else executor.execute_operation()

    def _told(self, operation: Operation, asked: Asked) -> dict[str, Any]:
        cost, most = operation.weight(asked.variables).cost, self.limits.cost
        return {"cost": {"requested": cost, "limit": most, "left": most - cost}}

    async def stream(
        self, asked: Asked, context: Context, allowed: Collection[OperationType]
    ) -> AsyncGenerator[Answer, None]:
        """Run any operation: a subscription yields an answer an event, others yield one."""
        operation, refused = self.begin(asked, allowed)
        if refused is not None:
            yield refused
            return
        if operation.node.operation is not OperationType.SUBSCRIPTION:
            yield await self.run(asked, context, allowed)
            return
        source = subscribe(
            self._core,
            operation.document,
            variable_values=dict(asked.variables),
            operation_name=asked.operation_name,
            context_value=context,
            executor_class=self._executor_of_events(operation),
            hide_suggestions=not self.limits.details,
        )
        if isawaitable(source):
            source = await source
        if isinstance(source, ExecutionResult):
            yield Answer(Stage.VALIDATION, errors=source.errors)
            return
        try:
            async for result in source:
                yield _answer(result)
        except Exception as error:
            # graphql-core tells what a resolver raises, but not what the source of events does.
            yield Answer(Stage.EXECUTION, errors=[GraphQLError("the events ended", original_error=error)])
        finally:
            if (close := getattr(source, "aclose", None)) is not None:
                await close()

    def _executor_of_events(self, operation: Operation) -> type[Any]:
        """What runs a subscription for each of its events: they are many, so it is compiled at once."""
        plans = plans_of(operation.document) if self.limits.compiled else None
        if plans is None:
            return cast("type[Any]", self._schema.execution_context_class)
        return type("EventExecutor", (CompiledExecutor,), {"plans": plans})


def refusal(error: InvalidInput) -> Answer:
    """The answer to a request that can never succeed as it is."""
    return Answer(Stage.VALIDATION, errors=[GraphQLError(error.message, original_error=error)])


_NONE: Any = None


def _answer(result: ExecutionResult) -> Answer:
    # Variables that do not fit are told without a path, before anything is executed.
    executed = result.data is not None or any(error.path for error in result.errors or ())
    return Answer(Stage.EXECUTION if executed else Stage.VALIDATION, result.data, result.errors)
