"""How a field is fetched by a resolver."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from graphql import GraphQLError, GraphQLField, visit
from graphql.execution.collect_fields import FieldDetailsList
from graphql.execution.values import get_argument_values

from schema.execution.compiled.arguments import inputs_of
from schema.execution.compiled.plans import Running
from schema.shared.derived_fields import DERIVED
from schema.shared.visitors import Variables


def _definition(known: GraphQLField) -> Any:
    """What Strawberry knows of a field."""
    return known.extensions.get("strawberry-definition")


def derived_by(known: GraphQLField) -> Callable[[Any], Any] | None:
    """The function that makes a field of its object, where that is all it needs."""
    definition = _definition(known)
    return None if definition is None else cast("Callable[[Any], Any] | None", definition.metadata.get(DERIVED))


def derived_method(executor: Running, known: GraphQLField, details: FieldDetailsList) -> Callable[[Any], Any] | None:
    """The method that makes a field of its object, with arguments that are the same for each run."""
    definition = _definition(known)
    if definition is None or DERIVED not in definition.metadata:
        return None
    fixed = _fixed_arguments(executor, known, details)
    convert = None if fixed is None else _converter(executor, definition)
    if fixed is None or convert is None:
        return None
    settled = convert(fixed)
    call = definition.base_resolver.wrapped_func
    return partial(call, **settled) if settled else cast("Callable[[Any], Any]", call)


def resolver_of(
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
    definition = _definition(known)
    if definition is None or definition.base_resolver is None or definition.extensions:
        return None
    # The resolver of a subscription makes its events; each of them is then taken as it is.
    if definition.is_subscription:
        return None
    resolver = definition.base_resolver
    if resolver.parent_parameter or resolver.root_parameter or not resolver.self_parameter:
        return None
    convert = _converter(compiling, definition)
    if convert is None:
        return None
    call = resolver.wrapped_func
    settled = None if fixed is None else convert(fixed)

    def arguments(executor: Running) -> dict[str, Any]:
        return convert(_arguments(executor, known, details)) if settled is None else settled

    if resolver.info_parameter is None:
        return lambda source, executor, info: call(source, **arguments(executor)), False
    info_name, info_class = resolver.info_parameter.name, _strawberry(compiling).config.info_class

    def with_info(source: Any, executor: Running, info: Any) -> Any:
        return call(source, **arguments(executor), **{info_name: info_class(_raw_info=info, _field=definition)})

    return with_info, True


def _strawberry(executor: Running) -> Any:
    """Strawberry's own side of the schema."""
    return executor.schema._strawberry_schema.schema_converter  # type: ignore[attr-defined]


def _converter(executor: Running, definition: Any) -> Callable[[Any], dict[str, Any]] | None:
    """The conversion of a field's arguments; `None` where Strawberry does more than that around its resolver."""
    converter = _strawberry(executor)
    return None if converter.exception_handlers else inputs_of(converter).arguments(definition.arguments)
