"""One operation executed by graphql-core and by the compiled executor."""

import asyncio
from collections.abc import Mapping
from typing import Any

from graphql import DocumentNode, OperationType, get_operation_ast
from graphql.execution import ExecutionResult, execute, subscribe
from strawberry import Schema
from strawberry.execution import optimized_is_awaitable

from schema.execution.compiled import CompiledExecutor, Plans

Outcome = tuple[Any, ...]
"""What two executions must agree on: the results' data and errors, or the class of what was raised."""


def _of_result(result: ExecutionResult) -> Outcome:
    errors = [
        (error.message, error.path, [(at.line, at.column) for at in error.locations or ()], error.extensions)
        for error in result.errors or ()
    ]
    # `repr` shows what equality does not: the order of fields, and 1 instead of true or 1.0.
    return repr(result.data), sorted(map(repr, errors))


async def _outcome(started: Any) -> Outcome:
    """The outcome of an execution: of its one result, or of all its events."""
    try:
        started = await started if optimized_is_awaitable(started) else started
        results = [started] if isinstance(started, ExecutionResult) else [result async for result in started]
        return tuple(_of_result(result) for result in results)
    except (Exception, asyncio.CancelledError) as raised:
        return (type(raised).__name__,)


async def _run(schema: Schema, document: DocumentNode, name: str, executor_class: Any, **options: Any) -> Outcome:
    operation = get_operation_ast(document, name)
    run = subscribe if operation and operation.operation is OperationType.SUBSCRIPTION else execute
    try:
        started = run(schema._schema, document, operation_name=name, executor_class=executor_class, **options)
    except (Exception, asyncio.CancelledError) as raised:
        return (type(raised).__name__,)
    return await _outcome(started)


async def by_graphql_core(
    schema: Schema, document: DocumentNode, name: str, variables: Mapping[str, Any], context: Any
) -> Outcome:
    """The outcome of graphql-core's executor with Strawberry's small additions."""
    options = {"variable_values": dict(variables), "context_value": context, "is_awaitable": optimized_is_awaitable}
    return await _run(schema, document, name, schema.execution_context_class, **options)


async def by_plans(
    plans: Plans, schema: Schema, document: DocumentNode, name: str, variables: Mapping[str, Any], context: Any
) -> Outcome:
    """The outcome of the compiled executor, called as `OperationRunner` calls it."""
    operation = get_operation_ast(document, name)
    if operation and operation.operation is OperationType.SUBSCRIPTION:
        event_executor = type("EventExecutor", (CompiledExecutor,), {"plans": plans})
        options = {"variable_values": dict(variables), "context_value": context}
        return await _run(schema, document, name, event_executor, **options)
    options = {"context_value": context, "operation_name": name, "is_awaitable": optimized_is_awaitable}
    precoerced = await plans.coerce_cooperatively(variables)
    executor = CompiledExecutor.of(plans, schema._schema, document, variables, precoerced, **options)
    if isinstance(executor, list):
        return (_of_result(ExecutionResult(None, executor)),)
    try:
        started = executor.execute_operation()
    except (Exception, asyncio.CancelledError) as raised:
        return (type(raised).__name__,)
    return await _outcome(started)


async def settle() -> None:
    """Wait for what executions left behind: siblings of a failure go on in the background."""
    while left := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(left)
    await asyncio.sleep(0)
