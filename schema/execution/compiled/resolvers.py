"""Compiles resolver calls: how the value of a field with a resolver is fetched."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, cast

from graphql import GraphQLError, GraphQLField, visit
from graphql.execution.collect_fields import FieldDetailsList
from graphql.execution.values import get_argument_values

from schema.execution.compiled.arguments import argument_converters_of
from schema.execution.compiled.plans import BaseExecutor
from schema.shared.derived_fields import DERIVED
from schema.shared.visitors import Variables


def definition_of(graphql_field: GraphQLField) -> Any:
    """Return Strawberry's definition of a field; `None` if something may run around its resolver.

    Field extensions do, and permission classes are field extensions: such a field is never read past them.
    """
    definition = graphql_field.extensions.get("strawberry-definition")
    return None if definition is None or definition.extensions or definition.permission_classes else definition


def derived_by(graphql_field: GraphQLField) -> Callable[[Any], Any] | None:
    """Return the function that derives a field's value from its object alone; `None` if there is none."""
    definition = definition_of(graphql_field)
    return None if definition is None else cast("Callable[[Any], Any] | None", definition.metadata.get(DERIVED))


def derived_method(
    executor: BaseExecutor, graphql_field: GraphQLField, details: FieldDetailsList
) -> Callable[[Any], Any] | None:
    """Return the method that derives a field's value from its object and constant arguments, if there is one."""
    definition = definition_of(graphql_field)
    if definition is None or DERIVED not in definition.metadata:
        return None
    fixed = _fixed_arguments(executor, graphql_field, details)
    convert = None if fixed is None else _converter(executor, definition)
    converted = None if fixed is None or convert is None else _converted(convert, fixed)
    if converted is None:
        return None
    call = definition.base_resolver.wrapped_func
    return partial(call, **converted) if converted else cast("Callable[[Any], Any]", call)


def resolver_of(
    compiling: BaseExecutor, graphql_field: GraphQLField, details: FieldDetailsList
) -> tuple[Callable[[Any, BaseExecutor, Any], Any], bool]:
    """Return the function that fetches the value of a field with a resolver, and whether it needs the info."""
    resolve = graphql_field.resolve or compiling.field_resolver
    fixed = _fixed_arguments(compiling, graphql_field, details)
    direct = _direct(compiling, graphql_field, details, fixed)
    if direct is not None:
        return direct
    if fixed is not None:
        return lambda source, executor, info: resolve(source, info, **fixed), True
    return lambda source, executor, info: resolve(source, info, **_arguments(executor, graphql_field, details)), True


def _arguments(executor: BaseExecutor, graphql_field: GraphQLField, details: FieldDetailsList) -> dict[str, Any]:
    first, values = details[0], executor.variable_values
    return get_argument_values(
        graphql_field, first.node, values, first.fragment_variable_values, executor.hide_suggestions
    )


def _fixed_arguments(
    executor: BaseExecutor, graphql_field: GraphQLField, details: FieldDetailsList
) -> dict[str, Any] | None:
    """Return a field's arguments if they are valid and contain no variables, so that they are computed once."""
    variables = Variables()
    for argument in details[0].node.arguments or ():
        visit(argument, variables)
    if variables.any:
        return None
    try:
        return _arguments(executor, graphql_field, details)
    except GraphQLError:
        return None


def _converted(convert: Callable[[Any], dict[str, Any]], fixed: dict[str, Any]) -> dict[str, Any] | None:
    """Convert constant arguments. `None` if that fails: then each run of the field converts them and reports it."""
    try:
        return convert(fixed)
    except Exception:
        return None


def _converting_when_awaited(
    call: Callable[..., Any], convert: Callable[[Any], dict[str, Any]]
) -> Callable[..., Awaitable[Any]]:
    """Return an asynchronous resolver of coerced arguments. As in Strawberry, it is awaited before conversion fails."""

    async def converting(source: Any, coerced: dict[str, Any], **info: Any) -> Any:
        return await call(source, **convert(coerced), **info)

    return converting


def _as_coerced(coerced: dict[str, Any]) -> dict[str, Any]:
    return {"coerced": coerced}


def _direct(
    compiling: BaseExecutor, graphql_field: GraphQLField, details: FieldDetailsList, fixed: dict[str, Any] | None
) -> tuple[Callable[[Any, BaseExecutor, Any], Any], bool] | None:
    """Return a direct call of a Strawberry resolver, and whether it needs the info.

    `None` if Strawberry wraps more around the resolver than the conversion of arguments. Constant arguments are
    converted once.
    """
    definition = definition_of(graphql_field)
    if definition is None or definition.base_resolver is None:
        return None
    # The resolver of a subscription yields its events, and each event is already the field's value.
    if definition.is_subscription:
        return None
    resolver = definition.base_resolver
    if resolver.parent_parameter or resolver.root_parameter or not resolver.self_parameter:
        return None
    convert = _converter(compiling, definition)
    if convert is None:
        return None
    call = resolver.wrapped_func
    converted = None if fixed is None else _converted(convert, fixed)
    if converted is None and resolver.is_async:
        call, convert = _converting_when_awaited(call, convert), _as_coerced

    def arguments(executor: BaseExecutor) -> dict[str, Any]:
        return convert(_arguments(executor, graphql_field, details)) if converted is None else converted

    if resolver.info_parameter is None:
        return lambda source, executor, info: call(source, **arguments(executor)), False
    info_name, info_class = resolver.info_parameter.name, _strawberry(compiling).config.info_class

    def with_info(source: Any, executor: BaseExecutor, info: Any) -> Any:
        return call(source, **arguments(executor), **{info_name: info_class(_raw_info=info, _field=definition)})

    return with_info, True


def _strawberry(executor: BaseExecutor) -> Any:
    """Return Strawberry's converter of the schema."""
    return executor.schema._strawberry_schema.schema_converter  # type: ignore[attr-defined]


def _converter(executor: BaseExecutor, definition: Any) -> Callable[[Any], dict[str, Any]] | None:
    """Return the conversion of a field's arguments; `None` if Strawberry wraps more around its resolver."""
    converter = _strawberry(executor)
    return None if converter.exception_handlers else argument_converters_of(converter).arguments(definition.arguments)
