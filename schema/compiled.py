"""A document seen before runs compiled: its selections become plain Python closures over what resolvers return.

graphql-core walks a document anew for each value: it looks up the field, builds what resolvers may want to know, checks
for awaitables and for the kind of the type. All of that is known once the document is; here it is worked out once, and
what is left for each value is to fetch it and to make it fit. What a field returns, the errors, their paths and how
nulls bubble are those of graphql-core's executor (`graphql.execution.Executor`, whose methods this one uses wherever
something is out of the ordinary): `tests/schema/test_compiled.py` and `tools/api/fuzz.py` hold the two against each
other.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from math import isfinite
from operator import attrgetter
from types import CoroutineType
from typing import Any, cast

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLField,
    GraphQLLeafType,
    GraphQLObjectType,
    GraphQLOutputType,
    OperationType,
    Undefined,
    Visitor,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    visit,
)
from graphql.execution import ExecutionResult
from graphql.execution.collect_fields import FieldDetailsList, collect_fields, collect_subfields
from graphql.execution.values import get_argument_values
from graphql.language import DirectiveNode, FieldNode, VariableNode
from graphql.pyutils import Path, gather_with_cancel, is_iterable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

PLANS_KEPT = 16
"""Plans kept of one operation, by the variables of its conditions."""
_MOST_INT, _LEAST_INT = 2**31 - 1, -(2**31)

Complete = Callable[[Any, "CompiledExecutor", Path, Any], Any]
"""From a value, the executor, the path and the resolver's info to what the answer holds, or a coroutine of it."""
Field = Callable[[Any, "CompiledExecutor", Path | None], Any]
"""From an object, the executor and the object's path to what the answer holds under the field."""
Fields = list[tuple[str, Field]]


@dataclass(slots=True)
class Plans:
    """The plans of one operation. `conditions` are the variables that `@skip` and `@include` hang on."""

    conditions: tuple[str, ...]
    by_values: dict[tuple[Any, ...], Fields] = field(default_factory=dict)


def plans_of(document: DocumentNode) -> Plans | None:
    """The plans of an operation of a valid document; `None` where it holds directives that are not known here."""
    seen = _Conditions()
    visit(document, seen)
    return Plans(tuple(sorted(seen.variables))) if seen.known else None


class _Conditions(Visitor):
    """Collects the variables of conditions."""

    def __init__(self) -> None:
        super().__init__()
        self.variables: set[str] = set()
        self.known = True

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        """Note what it hangs on."""
        self.known = self.known and node.name.value in ("skip", "include")
        for argument in node.arguments or ():
            if isinstance(argument.value, VariableNode):
                self.variables.add(argument.value.name.value)


class CompiledExecutor(StrawberryGraphQLCoreExecutionContext):
    """Runs an operation by its plan, which is made on the first run with the same conditions."""

    plans: Plans

    def execute_operation(self, serially: bool | None = None) -> Any:
        """The result, or a coroutine of it."""
        serial = self.operation.operation is OperationType.MUTATION if serially is None else serially
        try:
            fields = self._fields()
            result = _serially(fields, self) if serial else _run(fields, self.root_value, self, None)
            if isinstance(result, CoroutineType):
                return self._finished(result)
        except GraphQLError as error:
            self.collected_errors.add(error, None)
            result = None
        return ExecutionResult(result, self.collected_errors.errors or None)

    async def _finished(self, result: Awaitable[Any]) -> ExecutionResult:
        data = None
        try:
            data = await result
        except GraphQLError as error:
            self.collected_errors.add(error, None)
        return ExecutionResult(data, self.collected_errors.errors or None)

    def _fields(self) -> Fields:
        values = self.variable_values.coerced
        key = tuple(values.get(name) for name in self.plans.conditions)
        fields = self.plans.by_values.get(key)
        if fields is None:
            root = cast("GraphQLObjectType", self.schema.get_root_type(self.operation.operation))
            grouped, *_ = collect_fields(
                self.schema, self.fragments, self.variable_values, root, self.operation, self.hide_suggestions
            )
            if len(self.plans.by_values) >= PLANS_KEPT:
                self.plans.by_values.clear()
            fields = self.plans.by_values[key] = [
                (name, _field(self, root, name, details)) for name, details in grouped.items()
            ]
        return fields


# --- running


def _run(fields: Fields, source: Any, executor: CompiledExecutor, path: Path | None) -> Any:
    """All fields of an object; a coroutine where some are."""
    results: dict[str, Any] = {}
    waiting: list[str] | None = None
    try:
        for name, run in fields:
            results[name] = done = run(source, executor, path)
            if done.__class__ is CoroutineType:
                waiting = [name] if waiting is None else [*waiting, name]
    except Exception:
        if waiting:
            executor.settle_in_background([results[name] for name in waiting])
        raise
    return results if waiting is None else _awaited(results, waiting)


async def _awaited(results: Any, waiting: list[Any]) -> Any:
    """A dictionary or list once what it waits for has come."""
    if len(waiting) == 1:
        results[waiting[0]] = await results[waiting[0]]
    else:
        for key, value in zip(waiting, await gather_with_cancel(*(results[key] for key in waiting)), strict=True):
            results[key] = value
    return results


def _serially(fields: Fields, executor: CompiledExecutor) -> Any:
    async def run() -> dict[str, Any]:
        results: dict[str, Any] = {}
        for name, one in fields:
            done = one(executor.root_value, executor, None)
            results[name] = await done if done.__class__ is CoroutineType else done
        return results

    return run()


_AWAITABLE: dict[type, bool] = {}


def _may_be_awaited(value: Any) -> bool:
    kind = value.__class__
    found = _AWAITABLE.get(kind)
    if found is None:
        found = _AWAITABLE[kind] = hasattr(kind, "__await__")
    return found


# --- compiling


def _field(executor: CompiledExecutor, parent: GraphQLObjectType, name: str, details: FieldDetailsList) -> Field:
    """How a field is run."""
    nodes = [one.node for one in details]
    known = executor.schema.get_field(parent, nodes[0].name.value)
    if known is None:
        raise TypeError(f"{parent}.{nodes[0].name.value} is not there")
    if nodes[0].name.value == "__typename":
        return lambda source, executor, path: parent.name
    complete, wants_info = _completer(executor, known.type, parent, nodes[0].name.value, details)
    getter = _getter(known)
    if getter is None:
        return _resolved(executor, known, parent, name, details, nodes, complete)
    if _is_leaf(known.type):
        return _leaf_attribute(getter, known.type, parent, name, details, complete)
    return _attribute(getter, known, parent, name, details, nodes, complete, wants_info)


def _getter(known: GraphQLField) -> Callable[[Any], Any] | None:
    """How a field without a resolver of its own is fetched."""
    if not getattr(known.resolve, "_is_default", False) or known.args:
        return None
    definition = known.extensions.get("strawberry-definition")
    return None if definition is None else attrgetter(definition.python_name)


def _is_leaf(type: GraphQLOutputType) -> bool:
    return is_leaf_type(type.of_type if is_non_null_type(type) else type)


def _leaf_attribute(
    getter: Callable[[Any], Any],
    type: GraphQLOutputType,
    parent: GraphQLObjectType,
    name: str,
    details: FieldDetailsList,
    complete: Complete,
) -> Field:
    plain = _plain(type.of_type if is_non_null_type(type) else type)
    nullable = not is_non_null_type(type)

    def run(source: Any, executor: CompiledExecutor, path: Path | None) -> Any:
        try:
            value = getter(source)
            if value.__class__ is plain or (nullable and value is None):
                return value
            if _may_be_awaited(value):
                own = Path(path, name, parent.name)
                return _completed_later(value, executor, type, details, own, None, complete)
            return complete(value, executor, cast("Path", path), None)
        except Exception as error:
            executor.handle_field_error(error, type, details, Path(path, name, parent.name))
            return None

    return run


def _plain(type: Any) -> Any:
    """The class whose values are what the answer holds, without looking at them."""
    return {"String": str, "ID": str, "Boolean": bool}.get(type.name) if type.name in _BUILT_IN else None


_BUILT_IN = frozenset({"String", "ID", "Boolean", "Int", "Float"})


def _attribute(
    getter: Callable[[Any], Any],
    known: GraphQLField,
    parent: GraphQLObjectType,
    name: str,
    details: FieldDetailsList,
    nodes: list[FieldNode],
    complete: Complete,
    wants_info: bool,
) -> Field:
    def run(source: Any, executor: CompiledExecutor, path: Path | None) -> Any:
        own = Path(path, name, parent.name)
        info = executor.build_resolve_info(known, nodes, parent, own) if wants_info else None
        try:
            value = getter(source)
            if _may_be_awaited(value):
                return _completed_later(value, executor, known.type, details, own, info, complete)
            done = complete(value, executor, own, info)
        except Exception as error:
            executor.handle_field_error(error, known.type, details, own)
            return None
        if done.__class__ is CoroutineType:
            return _handled(done, executor, known.type, details, own)
        return done

    return run


def _resolved(
    compiling: CompiledExecutor,
    known: GraphQLField,
    parent: GraphQLObjectType,
    name: str,
    details: FieldDetailsList,
    nodes: list[FieldNode],
    complete: Complete,
) -> Field:
    """A field with a resolver."""
    resolve = known.resolve or compiling.field_resolver
    arguments = _arguments(compiling, known, details)

    def run(source: Any, executor: CompiledExecutor, path: Path | None) -> Any:
        own = Path(path, name, parent.name)
        info = executor.build_resolve_info(known, nodes, parent, own)
        try:
            value = resolve(source, info, **arguments(executor))
            if executor.is_awaitable(value):
                return _completed_later(value, executor, known.type, details, own, info, complete)
            done = complete(value, executor, own, info)
        except Exception as error:
            executor.handle_field_error(error, known.type, details, own)
            return None
        if done.__class__ is CoroutineType:
            return _handled(done, executor, known.type, details, own)
        return done

    return run


def _arguments(
    compiling: CompiledExecutor, known: GraphQLField, details: FieldDetailsList
) -> Callable[[CompiledExecutor], dict[str, Any]]:
    """How the arguments of a field are found; those that hang on no variable are found once."""
    first = details[0]
    if not known.args and not first.node.arguments:
        return lambda executor: {}
    found = _Variables()
    for argument in first.node.arguments or ():
        visit(argument, found)
    fixed: dict[str, Any] | None = None
    if not found.any:
        try:
            fixed = get_argument_values(known, first.node, compiling.variable_values)
        except GraphQLError:
            fixed = None
    if fixed is not None:
        return lambda executor: fixed
    return lambda executor: get_argument_values(
        known, first.node, executor.variable_values, first.fragment_variable_values, executor.hide_suggestions
    )


class _Variables(Visitor):
    """Whether there are any variables."""

    def __init__(self) -> None:
        super().__init__()
        self.any = False

    def enter_variable(self, *_: Any) -> None:
        """There are."""
        self.any = True


async def _completed_later(
    value: Awaitable[Any],
    executor: CompiledExecutor,
    type: GraphQLOutputType,
    details: FieldDetailsList,
    path: Path,
    info: Any,
    complete: Complete,
) -> Any:
    """A value that is waited for, completed when it has come."""
    try:
        done = complete(await value, executor, path, info)
        if done.__class__ is CoroutineType:
            done = await done
    except Exception as error:
        executor.handle_field_error(error, type, details, path)
        return None
    return done


async def _handled(
    value: Awaitable[Any], executor: CompiledExecutor, type: GraphQLOutputType, details: FieldDetailsList, path: Path
) -> Any:
    """A value that is completed already but for what it waits for."""
    try:
        return await value
    except Exception as error:
        executor.handle_field_error(error, type, details, path)
        return None


def _completer(
    executor: CompiledExecutor, type: GraphQLOutputType, parent: GraphQLObjectType, name: str, details: FieldDetailsList
) -> tuple[Complete, bool]:
    """How values of a type are completed, and whether the resolver's info is wanted for it."""
    if is_non_null_type(type):
        inner, wants_info = _completer(executor, type.of_type, parent, name, details)
        return _non_null(inner, f"Cannot return null for non-nullable field {parent}.{name}."), wants_info
    if is_list_type(type):
        inner, wants_info = _completer(executor, type.of_type, parent, name, details)
        return _list(inner, type.of_type, type, parent, name, details), wants_info
    if is_leaf_type(type):
        return _leaf(type), False
    if is_abstract_type(type):
        return _abstract(type, details), True
    object_type = cast("GraphQLObjectType", type)
    return _object(object_type, details), object_type.is_type_of is not None


def _non_null(inner: Complete, message: str) -> Complete:
    def complete(value: Any, executor: CompiledExecutor, path: Path, info: Any) -> Any:
        done = inner(value, executor, path, info)
        if done is None:
            raise TypeError(message)
        return done

    return complete


def _leaf(type: GraphQLLeafType) -> Complete:
    coerce = type.coerce_output_value
    name = type.name if type.name in _BUILT_IN else ""

    def complete(value: Any, executor: CompiledExecutor, path: Path, info: Any) -> Any:
        if value is None or value is Undefined:
            return None
        kind = value.__class__
        if name == "Int":
            if kind is int and _LEAST_INT <= value <= _MOST_INT:
                return value
        elif name == "Float":
            if kind is float and isfinite(value):
                return value
        elif name and kind is (bool if name == "Boolean" else str):
            return value
        if isinstance(value, Exception):
            raise value
        done = coerce(value)
        # The error of a value that does not fit is graphql-core's own.
        return executor.complete_leaf_value(type, value) if done is None or done is Undefined else done

    return complete


def _list(
    inner: Complete,
    item_type: GraphQLOutputType,
    list_type: Any,
    parent: GraphQLObjectType,
    name: str,
    details: FieldDetailsList,
) -> Complete:
    def complete(value: Any, executor: CompiledExecutor, path: Path, info: Any) -> Any:
        if isinstance(value, Exception):
            raise value
        if value is None or value is Undefined:
            return None
        if not isinstance(value, list | tuple) and not is_iterable(value):
            # Whatever else it may be, an asynchronous iterable or an error, is graphql-core's to tell.
            if info is None:
                raise GraphQLError(f"Expected Iterable, but did not find one for field '{parent}.{name}'.")
            return executor.complete_list_value(list_type, details, info, path, value, None)
        results: list[Any] = []
        waiting: list[int] | None = None
        try:
            for index, item in enumerate(value):
                own = Path(path, index, None)
                if _may_be_awaited(item):
                    done: Any = _completed_later(item, executor, item_type, details, own, info, inner)
                else:
                    try:
                        done = inner(item, executor, own, info)
                    except Exception as error:
                        executor.handle_field_error(error, item_type, details, own)
                        done = None
                    if done.__class__ is CoroutineType:
                        done = _handled(done, executor, item_type, details, own)
                results.append(done)
                if done.__class__ is CoroutineType:
                    waiting = [index] if waiting is None else [*waiting, index]
        except Exception:
            if waiting:
                executor.settle_in_background([results[index] for index in waiting])
            raise
        return results if waiting is None else _awaited(results, waiting)

    return complete


def _object(type: GraphQLObjectType, details: FieldDetailsList) -> Complete:
    is_type_of = type.is_type_of
    fields: Fields | None = None

    def complete(value: Any, executor: CompiledExecutor, path: Path, info: Any) -> Any:
        nonlocal fields
        if isinstance(value, Exception):
            raise value
        if value is None or value is Undefined:
            return None
        if is_type_of is not None and is_type_of(value, info) is not True:
            # An answer to be waited for, or an error, is graphql-core's to tell.
            return executor.complete_object_value(type, details, info, path, value, None)
        if fields is None:
            grouped, *_ = collect_subfields(
                executor.schema,
                executor.fragments,
                executor.variable_values,
                executor.operation,
                type,
                details,
                executor.hide_suggestions,
            )
            fields = [(name, _field(executor, type, name, one)) for name, one in grouped.items()]
        return _run(fields, value, executor, path)

    return complete


def _abstract(type: Any, details: FieldDetailsList) -> Complete:
    objects: dict[str, Complete] = {}

    def complete(value: Any, executor: CompiledExecutor, path: Path, info: Any) -> Any:
        if isinstance(value, Exception):
            raise value
        if value is None or value is Undefined:
            return None
        name = (type.resolve_type or executor.type_resolver)(value, info, type)
        if not isinstance(name, str):
            return executor.complete_abstract_value(type, details, info, path, value, None)
        known = objects.get(name)
        if known is None:
            runtime = executor.ensure_valid_runtime_type(name, type, details, info, value)
            known = objects[name] = _object(runtime, details)
        return known(value, executor, path, info)

    return complete
