"""The sizes of introspection: how many objects each field of `__schema` and `__type` returns.

A selection is weighed for a population: all types of the schema, all fields of all types, or a single type of which
nothing is known. Below `types`, the number of all fields is known exactly; the fields of a single type are counted as
those of the largest type. So the usual introspection queries cost what they return, and no query returns more.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLType,
    is_abstract_type,
    is_wrapping_type,
)
from msgspec import Struct


class Members(Struct, frozen=True):
    """What a field returns for a whole population: the number of objects, and the population that they are.

    If `is_total`, that population is exactly these objects. Otherwise it stands for each of them.
    """

    count: int
    population: str
    is_total: bool = False


IntrospectionSizes = Mapping[str, Mapping[str, Members]]
"""The members of each population by the names of fields that return objects."""
SCHEMA, TYPE = "schema", "type"
"""The populations of `__schema` and of `__type`."""


@lru_cache(maxsize=8)
def introspection_sizes(schema: GraphQLSchema) -> IntrospectionSizes:
    """Return the sizes of a schema's introspection."""
    types = list(schema.type_map.values())
    with_fields = [type for type in types if isinstance(type, GraphQLObjectType | GraphQLInterfaceType)]
    inputs = [len(type.fields) for type in types if isinstance(type, GraphQLInputObjectType)]
    enum_values = [len(type.values) for type in types if isinstance(type, GraphQLEnumType)]
    interfaces = [len(type.interfaces) for type in with_fields]
    possible_types = [len(schema.get_possible_types(type)) for type in types if is_abstract_type(type)]
    fields = [len(type.fields) for type in with_fields]
    arguments = [len(field.args) for type in with_fields for field in type.fields.values()]
    directive_arguments = [len(directive.args) for directive in schema.directives]
    wrappers = max(_wrappers(type) for type in _types_in(types, schema))

    def single_type(wrapped: int) -> dict[str, Members]:
        return {
            "fields": Members(_max(fields), "field"),
            "inputFields": Members(_max(inputs), "value"),
            "enumValues": Members(_max(enum_values), "leaf"),
            "interfaces": Members(_max(interfaces), TYPE),
            "possibleTypes": Members(_max(possible_types), TYPE),
            "ofType": Members(1, _type(wrapped - 1)) if wrapped else Members(0, TYPE),
        }

    return {
        SCHEMA: {
            "types": Members(len(types), "types", True),
            "directives": Members(len(schema.directives), "directives", True),
            **dict.fromkeys(("queryType", "mutationType", "subscriptionType"), Members(1, TYPE)),
        },
        "types": {
            "fields": Members(sum(fields), "fields", True),
            "inputFields": Members(sum(inputs), "inputFields", True),
            "enumValues": Members(sum(enum_values), "leaf"),
            "interfaces": Members(sum(interfaces), TYPE),
            "possibleTypes": Members(sum(possible_types), TYPE),
            # The types of a schema are named ones, which wrap no other type.
            "ofType": Members(0, TYPE),
        },
        "fields": {
            "args": Members(sum(arguments), "arguments", True),
            "type": Members(sum(fields), _type(wrappers)),
        },
        "arguments": {"type": Members(sum(arguments), _type(wrappers))},
        "inputFields": {"type": Members(sum(inputs), _type(wrappers))},
        "directives": {"args": Members(sum(directive_arguments), "directiveArguments", True)},
        "directiveArguments": {"type": Members(sum(directive_arguments), _type(wrappers))},
        "field": {"args": Members(_max(arguments), "value"), "type": Members(1, _type(wrappers))},
        "value": {"type": Members(1, _type(wrappers))},
        "leaf": {},
        **{_type(wrapped): single_type(wrapped) for wrapped in range(wrappers + 1)},
    }


def _type(wrapped: int) -> str:
    """Return the population of a single type that may be wrapped so many times in lists and non-null types."""
    return f"{TYPE} wrapped {wrapped} times" if wrapped else TYPE


def _types_in(types: Iterable[GraphQLNamedType], schema: GraphQLSchema) -> Iterable[GraphQLType]:
    """Yield the types of all fields and arguments."""
    for type in types:
        if isinstance(type, GraphQLObjectType | GraphQLInterfaceType):
            for field in type.fields.values():
                yield field.type
                yield from (argument.type for argument in field.args.values())
        elif isinstance(type, GraphQLInputObjectType):
            yield from (field.type for field in type.fields.values())
    for directive in schema.directives:
        yield from (argument.type for argument in directive.args.values())


def _wrappers(type: GraphQLType) -> int:
    return 1 + _wrappers(type.of_type) if is_wrapping_type(type) else 0


def _max(sizes: Iterable[int]) -> int:
    return max(sizes, default=0)
