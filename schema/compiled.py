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
from strawberry.types.arguments import convert_arguments

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
_ODD: dict[type, bool] = {}


def _may_be_awaited(value: Any) -> bool:
    kind = value.__class__
    found = _AWAITABLE.get(kind)
    if found is None:
        found = _AWAITABLE[kind] = hasattr(kind, "__await__")
    return found


def _is_odd(kind: type) -> bool:
    """Whether values of a class are no values of leaves: nothing, something to wait for, or an error."""
    found = _ODD.get(kind)
    if found is None:
        found = _ODD[kind] = (
            kind in (type(None), type(Undefined)) or hasattr(kind, "__await__") or issubclass(kind, Exception)
        )
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
        return _resolved(executor, known, parent, name, details, nodes, complete, wants_info)
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
    leaf: Any = type.of_type if is_non_null_type(type) else type
    plain = _PLAIN.get(leaf.name)
    coerce = _coerce(leaf)
    nullable = not is_non_null_type(type)

    def run(source: Any, executor: CompiledExecutor, path: Path | None) -> Any:
        try:
            value = getter(source)
            kind = value.__class__
            if kind is plain or (value is None and nullable):
                return value
            if not _is_odd(kind):
                done = coerce(value)
                if done is not None and done is not Undefined:
                    return done
            elif _may_be_awaited(value):
                own = Path(path, name, parent.name)
                return _completed_later(value, executor, type, details, own, None, complete)
            return complete(value, executor, cast("Path", path), None)
        except Exception as error:
            executor.handle_field_error(error, type, details, Path(path, name, parent.name))
            return None

    return run


_PLAIN: dict[str, type] = {"String": str, "ID": str, "Boolean": bool}
"""Built-in types to the class whose values are what the answer holds, without looking at them."""


def _coerce(leaf: GraphQLLeafType) -> Callable[[Any], Any]:
    """How values are made to fit; numbers that fit are not looked at twice."""
    coerce = leaf.coerce_output_value
    if leaf.name == "Int":
        return lambda value: value if value.__class__ is int and _LEAST_INT <= value <= _MOST_INT else coerce(value)
    if leaf.name == "Float":
        return lambda value: value if value.__class__ is float and isfinite(value) else coerce(value)
    return coerce


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
    wants_info: bool,
) -> Field:
    """A field with a resolver."""
    resolve = known.resolve or compiling.field_resolver
    fixed = _fixed_arguments(compiling, known, details)
    direct, wants_own_info = _direct(compiling, known, fixed)
    wants_info = wants_info or wants_own_info or direct is None

    def run(source: Any, executor: CompiledExecutor, path: Path | None) -> Any:
        own = Path(path, name, parent.name)
        info = executor.build_resolve_info(known, nodes, parent, own) if wants_info else None
        try:
            if direct is not None:
                value = direct(source, info)
            else:
                value = resolve(source, info, **(_arguments(executor, known, details) if fixed is None else fixed))
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


def _arguments(executor: CompiledExecutor, known: GraphQLField, details: FieldDetailsList) -> dict[str, Any]:
    first, values = details[0], executor.variable_values
    return get_argument_values(known, first.node, values, first.fragment_variable_values, executor.hide_suggestions)


def _fixed_arguments(
    executor: CompiledExecutor, known: GraphQLField, details: FieldDetailsList
) -> dict[str, Any] | None:
    """The arguments of a field where they hang on no variable and fit; they are not found anew for each run."""
    found = _Variables()
    for argument in details[0].node.arguments or ():
        visit(argument, found)
    if found.any:
        return None
    try:
        return _arguments(executor, known, details)
    except GraphQLError:
        return None


def _direct(
    executor: CompiledExecutor, known: GraphQLField, fixed: dict[str, Any] | None
) -> tuple[Callable[[Any, Any], Any] | None, bool]:
    """A resolver of Strawberry's without what it puts around it, and whether that wants the info.

    Only where nothing is around it but the conversion of arguments, and these are the same for each run.
    """
    definition = known.extensions.get("strawberry-definition")
    if fixed is None or definition is None or definition.base_resolver is None or definition.extensions:
        return None, True
    resolver = definition.base_resolver
    if resolver.parent_parameter or resolver.root_parameter or not resolver.self_parameter:
        return None, True
    converter = executor.schema._strawberry_schema.schema_converter  # type: ignore[attr-defined]
    if converter.exception_handlers:
        return None, True
    config, registry = converter.config, converter.scalar_registry
    arguments = convert_arguments(dict(fixed), definition.arguments, scalar_registry=registry, config=config)
    call = resolver.wrapped_func
    if resolver.info_parameter is None:
        return (lambda source, raw: call(source, **arguments)) if arguments else (
            lambda source, raw: call(source)
        ), False
    info_name, info_class = resolver.info_parameter.name, config.info_class

    def with_info(source: Any, raw: Any) -> Any:
        return call(source, **arguments, **{info_name: info_class(_raw_info=raw, _field=definition)})

    return with_info, True


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
    plain = _PLAIN.get(type.name)
    coerce = _coerce(type)

    def complete(value: Any, executor: CompiledExecutor, path: Path, info: Any) -> Any:
        if value is None or value is Undefined:
            return None
        if value.__class__ is plain:
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
