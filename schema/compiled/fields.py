"""How a field is fetched: as an attribute, or by a resolver."""

from collections.abc import Callable
from operator import attrgetter
from types import CoroutineType
from typing import Any, cast

from graphql import (
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    Undefined,
    get_nullable_type,
    is_leaf_type,
    is_non_null_type,
    visit,
)
from graphql.execution.collect_fields import FieldDetailsList
from graphql.execution.values import get_argument_values
from graphql.pyutils import Path

from schema.compiled.inputs import inputs_of
from schema.compiled.leaves import PLAIN, coercion
from schema.compiled.plans import Complete, Field, Running, Variables
from schema.compiled.quick import attribute_of
from schema.compiled.running import completed_later, handled, is_odd, may_be_awaited
from schema.compiled.values import completer


def compiled_field(executor: Running, parent: GraphQLObjectType, name: str, details: FieldDetailsList) -> Field:
    """How a field is run."""
    field = details[0].node.name.value
    known = executor.schema.get_field(parent, field)
    if known is None:
        raise TypeError(f"{parent}.{field} is not there")
    if field == "__typename":
        return lambda source, executor, path: parent.name
    complete, wants_info = completer(executor, known.type, parent, field, details)
    attribute = attribute_of(known)
    if attribute is None:
        fetch, wants_own_info = _resolver(executor, known, details)
        return _general(fetch, known, parent, name, details, complete, wants_info or wants_own_info)
    getter = attrgetter(attribute)
    if _is_leaf(known.type):
        return _leaf_attribute(getter, known.type, parent, name, details, complete)
    return _general(lambda source, executor, info: getter(source), known, parent, name, details, complete, wants_info)


def _is_leaf(type: GraphQLOutputType) -> bool:
    return is_leaf_type(get_nullable_type(type))


def _leaf_attribute(
    getter: Callable[[Any], Any],
    type: GraphQLOutputType,
    parent: GraphQLObjectType,
    name: str,
    details: FieldDetailsList,
    complete: Complete,
) -> Field:
    leaf: Any = get_nullable_type(type)
    plain = PLAIN.get(leaf.name)
    coerce = coercion(leaf)
    nullable = not is_non_null_type(type)

    def run(source: Any, executor: Running, path: Path | None) -> Any:
        try:
            value = getter(source)
            kind = value.__class__
            if kind is plain or (value is None and nullable):
                return value
            if not is_odd(kind):
                done = coerce(value)
                if done is not None and done is not Undefined:
                    return done
            elif may_be_awaited(value):
                own = Path(path, name, parent.name)
                return completed_later(value, executor, type, details, own, None, complete)
            return complete(value, executor, cast("Path", path), None)
        except Exception as error:
            executor.handle_field_error(error, type, details, Path(path, name, parent.name))
            return None

    return run


def _general(
    fetch: Callable[[Any, Running, Any], Any],
    known: GraphQLField,
    parent: GraphQLObjectType,
    name: str,
    details: FieldDetailsList,
    complete: Complete,
    wants_info: bool,
) -> Field:
    """A field whose value is fetched in any way; `wants_info` tells whether that or its type asks for the info."""
    nodes = [one.node for one in details]

    def run(source: Any, executor: Running, path: Path | None) -> Any:
        own = Path(path, name, parent.name)
        info = executor.build_resolve_info(known, nodes, parent, own) if wants_info else None
        try:
            value = fetch(source, executor, info)
            if may_be_awaited(value):
                return completed_later(value, executor, known.type, details, own, info, complete)
            done = complete(value, executor, own, info)
        except Exception as error:
            executor.handle_field_error(error, known.type, details, own)
            return None
        if done.__class__ is CoroutineType:
            return handled(done, executor, known.type, details, own)
        return done

    return run


def _resolver(
    compiling: Running, known: GraphQLField, details: FieldDetailsList
) -> tuple[Callable[[Any, Running, Any], Any], bool]:
    """How a field with a resolver is fetched, and whether that wants the info."""
    resolve = known.resolve or compiling.field_resolver
    fixed = _fixed_arguments(compiling, known, details)
    direct = _direct(compiling, known, details, fixed)
    if direct is not None:
        return direct
    if fixed is not None:
        return lambda source, executor, info: resolve(source, info, **fixed), True
    return lambda source, executor, info: resolve(source, info, **_arguments(executor, known, details)), True


def _arguments(executor: Running, known: GraphQLField, details: FieldDetailsList) -> dict[str, Any]:
    first, values = details[0], executor.variable_values
    return get_argument_values(known, first.node, values, first.fragment_variable_values, executor.hide_suggestions)


def _fixed_arguments(executor: Running, known: GraphQLField, details: FieldDetailsList) -> dict[str, Any] | None:
    """The arguments of a field where they hang on no variable and fit; they are not found anew for each run."""
    found = Variables()
    for argument in details[0].node.arguments or ():
        visit(argument, found)
    if found.any:
        return None
    try:
        return _arguments(executor, known, details)
    except GraphQLError:
        return None


def _direct(
    compiling: Running, known: GraphQLField, details: FieldDetailsList, fixed: dict[str, Any] | None
) -> tuple[Callable[[Any, Running, Any], Any], bool] | None:
    """A resolver of Strawberry's without what it puts around it, and whether that wants the info.

    Only where nothing is around it but the conversion of arguments; those that are the same for each run are converted
    once.
    """
    definition = known.extensions.get("strawberry-definition")
    if definition is None or definition.base_resolver is None or definition.extensions:
        return None
    # The resolver of a subscription makes its events; each of them is then taken as it is.
    if definition.is_subscription:
        return None
    resolver = definition.base_resolver
    if resolver.parent_parameter or resolver.root_parameter or not resolver.self_parameter:
        return None
    converter = compiling.schema._strawberry_schema.schema_converter  # type: ignore[attr-defined]
    convert = inputs_of(converter).arguments(definition.arguments)
    if converter.exception_handlers or convert is None:
        return None
    call = resolver.wrapped_func
    settled = None if fixed is None else convert(fixed)

    def arguments(executor: Running) -> dict[str, Any]:
        return convert(_arguments(executor, known, details)) if settled is None else settled

    if resolver.info_parameter is None:
        return lambda source, executor, info: call(source, **arguments(executor)), False
    info_name, info_class = resolver.info_parameter.name, converter.config.info_class

    def with_info(source: Any, executor: Running, info: Any) -> Any:
        return call(source, **arguments(executor), **{info_name: info_class(_raw_info=info, _field=definition)})

    return with_info, True
