"""The schema that a caller is shown: what its scopes do not allow is absent from introspection.

Documents are validated and executed over the whole schema, whose rules decide what may be selected. Only `__schema` and
`__type` are answered from the visible part, so that a document may ask for the schema and for data at once.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, cast

from graphql import (
    GraphQLAbstractType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    SchemaMetaFieldDef,
    TypeMetaFieldDef,
    get_named_type,
    is_abstract_type,
    is_introspection_type,
    is_list_type,
    is_non_null_type,
)

from graph.domain.access.scopes import EVERY
from schema.execution.access import coordinates

MAX_SCHEMAS = 32
"""Number of sets of scopes whose schemas are cached: the most recently used."""


def visible_schema(schema: GraphQLSchema, scopes: frozenset[str]) -> GraphQLSchema:
    """Return the part of a schema that scopes allow.

    It contains the fields whose scopes are among them and whose types are visible, and the types that these fields lead
    to: input types and enums that nothing visible uses are absent, too.
    """
    builder = _Builder(schema, _visible_fields(schema, scopes))
    return builder.build()


def _visible_fields(schema: GraphQLSchema, scopes: frozenset[str]) -> dict[str, set[str]]:
    """Return the names of the visible fields of each object type and interface. A type without any is not visible."""
    rules = coordinates(schema)
    named = {
        type.name: type
        for type in schema.type_map.values()
        if isinstance(type, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType)
        and not is_introspection_type(type)
    }
    fields = {
        type.name: {
            name
            for name in type.fields
            if isinstance(type, GraphQLInterfaceType) or rules[f"{type.name}.{name}"] in scopes
        }
        for type in named.values()
        if not isinstance(type, GraphQLUnionType)
    }

    def is_visible(type: GraphQLNamedType) -> bool:
        if not is_abstract_type(type):
            return type.name not in fields or bool(fields[type.name])
        shared = fields.get(type.name)
        return shared != set() and any(
            fields[object.name] and (shared or set()) <= fields[object.name]
            for object in schema.get_possible_types(type)
        )

    while True:
        hidden = {
            (type.name, name)
            for type in named.values()
            if not isinstance(type, GraphQLUnionType)
            for name in fields[type.name]
            if not is_visible(get_named_type(type.fields[name].type))
        }
        if not hidden:
            break
        for type_name, name in hidden:
            fields[type_name].discard(name)
    for type in named.values():
        if isinstance(type, GraphQLInterfaceType) and not is_visible(type):
            fields[type.name].clear()
    return fields


class _Builder:
    """Builds the visible part of a schema. The types of inputs are those of the whole schema."""

    def __init__(self, schema: GraphQLSchema, fields: Mapping[str, set[str]]) -> None:
        self._schema, self._fields = schema, fields
        self._built: dict[str, GraphQLNamedType] = {}

    def build(self) -> GraphQLSchema:
        """Return the visible part. Objects behind interfaces are found by what they implement."""
        types: list[GraphQLNamedType] = []
        while True:
            built = GraphQLSchema(
                self._root(self._schema.query_type, required=True),
                self._root(self._schema.mutation_type),
                self._root(self._schema.subscription_type),
                types,
                self._schema.directives,
                self._schema.description,
                assume_valid=True,
            )
            more = [
                self._type(object)
                for name in sorted(_returned_interfaces(built))
                for object in self._objects(cast("GraphQLInterfaceType", self._schema.type_map[name]))
                if object.name not in built.type_map
            ]
            if not more:
                return built
            types += {type.name: type for type in more}.values()

    def _root(self, type: GraphQLObjectType | None, required: bool = False) -> GraphQLObjectType | None:
        if type is None or not (required or self._fields[type.name]):
            return None
        return cast("GraphQLObjectType", self._type(type))

    def _objects(self, type: GraphQLAbstractType) -> list[GraphQLObjectType]:
        """Return the visible objects of an interface or a union."""
        return [
            object
            for object in self._schema.get_possible_types(type)
            if self._fields[object.name]
            and (isinstance(type, GraphQLUnionType) or self._fields[type.name] <= self._fields[object.name])
        ]

    def _interfaces(self, type: GraphQLObjectType | GraphQLInterfaceType) -> list[GraphQLInterfaceType]:
        """Return the interfaces whose visible fields a type has."""
        return [
            cast("GraphQLInterfaceType", self._type(interface))
            for interface in type.interfaces
            if self._fields[interface.name] and self._fields[interface.name] <= self._fields[type.name]
        ]

    def _type(self, type: Any) -> Any:
        """Return what takes the place of a type."""
        if is_non_null_type(type):
            return GraphQLNonNull(self._type(type.of_type))
        if is_list_type(type):
            return GraphQLList(self._type(type.of_type))
        if type.name not in self._built:
            self._built[type.name] = self._visible(type)
        return self._built[type.name]

    def _visible(self, type: GraphQLNamedType) -> GraphQLNamedType:
        if isinstance(type, GraphQLUnionType):
            members = type
            parts: Any = {**type.to_kwargs(), "types": lambda: list(map(self._type, self._objects(members)))}
            return GraphQLUnionType(**parts)
        if not isinstance(type, GraphQLObjectType | GraphQLInterfaceType) or is_introspection_type(type):
            return type
        whole, visible = type, self._fields[type.name]

        def fields() -> dict[str, GraphQLField]:
            return {
                name: _with(field, type_=self._type(field.type))
                for name, field in whole.fields.items()
                if name in visible
            }

        parts = {**type.to_kwargs(), "fields": fields, "interfaces": lambda: self._interfaces(whole)}
        return type.__class__(**parts)


def _returned_interfaces(schema: GraphQLSchema) -> set[str]:
    """Return the names of the interfaces that fields return: objects behind them need not be named by any field."""
    types = [type for type in schema.type_map.values() if isinstance(type, GraphQLObjectType)]
    returned = [get_named_type(field.type) for type in types for field in type.fields.values()]
    return {type.name for type in returned if isinstance(type, GraphQLInterfaceType)}


def _with(field: GraphQLField, **changed: Any) -> GraphQLField:
    """Return a field with some parts replaced."""
    parts: Any = {**field.to_kwargs(), **changed}
    return GraphQLField(**parts)


class SchemaForViewer(GraphQLSchema):
    """A whole schema whose introspection returns the visible part.

    It contains the types of the whole schema, so that plans which were compiled for one viewer fit another one:
    introspection fields find the visible part when they run.
    """

    visible: GraphQLSchema

    def __init__(self, whole: GraphQLSchema, visible: GraphQLSchema) -> None:
        self.__dict__.update(whole.__dict__)
        self.visible = visible

    def get_field(self, parent_type: Any, field_name: str) -> GraphQLField | None:
        """Return the field of a type."""
        own = _META_FIELDS.get(field_name) if parent_type is self.query_type else None
        return own or super().get_field(parent_type, field_name)

    def get_possible_types(self, abstract_type: GraphQLAbstractType) -> Any:
        """Return the objects of an interface or a union, which may be one of the visible part."""
        is_visible = self.visible.type_map.get(abstract_type.name) is abstract_type
        return (
            self.visible.get_possible_types(abstract_type) if is_visible else super().get_possible_types(abstract_type)
        )


def _visible_part(_: object, info: Any) -> GraphQLSchema:
    visible: GraphQLSchema = info.schema.visible
    return visible


def _visible_type(_: object, info: Any, name: str) -> GraphQLNamedType | None:
    visible: GraphQLSchema = info.schema.visible
    return visible.get_type(name)


_META_FIELDS = {
    "__schema": _with(SchemaMetaFieldDef, resolve=_visible_part),
    "__type": _with(TypeMetaFieldDef, resolve=_visible_type),
}


class VisibleSchemas:
    """The schemas of viewers by their scopes."""

    def __init__(self, whole: GraphQLSchema) -> None:
        self._whole = whole
        self._by_scopes: OrderedDict[frozenset[str], SchemaForViewer] = OrderedDict()

    def of(self, scopes: frozenset[str]) -> SchemaForViewer:
        """Return the schema of a viewer with these scopes."""
        granted = scopes & EVERY
        found = self._by_scopes.get(granted)
        if found is None:
            visible = self._whole if granted == EVERY else visible_schema(self._whole, granted)
            found = self._by_scopes[granted] = SchemaForViewer(self._whole, visible)
            if len(self._by_scopes) > MAX_SCHEMAS:
                self._by_scopes.popitem(last=False)
        self._by_scopes.move_to_end(granted)
        return found
