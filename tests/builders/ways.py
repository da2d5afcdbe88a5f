"""Documents that select all there is behind each root field, with arguments that name a given customer."""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_required_argument,
    is_required_input_field,
)
from msgspec import Struct

LEAVES: dict[str, Any] = {
    "Int": 2,
    "Float": 0.5,
    "Boolean": True,
    "DateTime": "2026-03-01T12:00:00Z",
    "Date": "2026-03-01",
    "Decimal": "1.00",
    "CurrencyCode": "EUR",
    "JSON": {},
    "JSONObject": {},
}
NAMES = {"purpose": "newsletter", "source": "web", "currency": "EUR", "sku": "LAMP-1", "system": "ads", "type": "call"}
"""Valid values of texts, by the names of their fields."""
PATHS_PER_DOCUMENT = 40
Path = tuple[str, ...]
"""Fields, and conditions on types (`... on Order`), down to a leaf."""


class Named(Struct, frozen=True):
    """What requests name: an identifier, the id of a customer and the number of an order."""

    namespace: str
    value: str
    id: str
    order: str


def ways(
    schema: GraphQLSchema, named: Named, allows: Callable[[str], bool], depth: int = 7
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield documents and their variables: behind each root field, all leaves to a depth that `allows` admits.

    `allows` is asked for coordinates such as `Customer.orders`.
    """
    roots = {"query": schema.query_type, "mutation": schema.mutation_type, "subscription": schema.subscription_type}
    for kind, root in roots.items():
        for name, field in root.fields.items():
            if not allows(f"{root.name}.{name}"):
                continue
            arguments = {key: argument for key, argument in field.args.items() if key not in ("after", "at")}
            variables = {key: value_of(argument.type, key, named) for key, argument in arguments.items()}
            definitions = ", ".join(f"${key}: {argument.type}" for key, argument in arguments.items())
            passed = ", ".join(f"{key}: ${key}" for key in arguments)
            head = f"{kind} Ask({definitions}) {{ {name}({passed})" if arguments else f"{kind} {{ {name}"
            paths = leaves(schema, get_named_type(field.type), allows, depth, frozenset())
            while chunk := list(islice(paths, PATHS_PER_DOCUMENT)):
                yield f"{head} {selection(chunk)} }}", variables


def leaves(
    schema: GraphQLSchema, type: Any, allows: Callable[[str], bool], depth: int, above: frozenset[str]
) -> Iterator[Path]:
    """Yield the paths to the leaves of a type, into each type once on a path."""
    if isinstance(type, GraphQLUnionType | GraphQLInterfaceType):
        for possible in schema.get_possible_types(type):
            for path in leaves(schema, possible, allows, depth, above):
                yield f"... on {possible.name}", *path
        return
    if not isinstance(type, GraphQLObjectType):
        yield ()
        return
    if type.name in above or depth == 0:
        return
    for name, field in type.fields.items():
        if not allows(f"{type.name}.{name}"):
            continue
        required = [f"{key}: {literal(key, arg.type)}" for key, arg in field.args.items() if is_required_argument(arg)]
        shown = f"{name}({', '.join(required)})" if required else name
        below = get_named_type(field.type)
        for path in leaves(schema, below, allows, depth - 1, above | {type.name}):
            yield shown, *path


def literal(name: str, type: Any) -> str:
    value = LEAVES.get(get_named_type(type).name, NAMES.get(name, "x"))
    return f'"{value}"' if isinstance(value, str) else str(value)


def selection(paths: list[Path]) -> str:
    """The selection set of paths."""
    tree: dict[str, Any] = {}
    for path in paths:
        branch = tree
        for step in path:
            branch = branch.setdefault(step, {})
    return _printed(tree)


def _printed(tree: Mapping[str, Any]) -> str:
    if not tree:
        return ""
    # Fields of one name on several types may have different types, so those behind conditions have names of their own.
    parts = []
    for step, below in tree.items():
        if step.startswith("... on "):
            parts.append(f"{step} {_printed(_aliased(below, step.removeprefix('... on ')))}")
        else:
            parts.append(f"{step} {_printed(below)}")
    return f"{{ {' '.join(parts)} }}"


def _aliased(tree: Mapping[str, Any], type: str) -> dict[str, Any]:
    return {
        step if step.startswith("... ") else f"{type.lower()}_{step.partition('(')[0]}: {step}": below
        for step, below in tree.items()
    }


def value_of(type: Any, name: str, named: Named, depth: int = 0) -> Any:
    """A valid value of an input type that names a customer wherever it can."""
    if isinstance(type, GraphQLNonNull):
        return value_of(type.of_type, name, named, depth)
    if isinstance(type, GraphQLList):
        return [value_of(type.of_type, name, named, depth)]
    if isinstance(type, GraphQLEnumType):
        return list(type.values)[-1]
    if isinstance(type, GraphQLInputObjectType):
        if type.name == "IdentifierInput":
            return {"namespace": named.namespace, "value": named.value}
        fields = type.fields.items()
        if type.is_one_of:
            chosen = [field for field in fields if field[0] == "identifier"] or list(fields)[:1]
        else:
            chosen = [field for field in fields if is_required_input_field(field[1])]
        return {key: value_of(field.type, key, named, depth + 1) for key, field in chosen}
    if type.name == "ID":
        return named.id
    if type.name == "_Any":
        return {"__typename": "Customer", "id": named.id, "number": named.order}
    if type.name in LEAVES:
        return LEAVES[type.name]
    return named.order if name == "number" else NAMES.get(name, named.value)
