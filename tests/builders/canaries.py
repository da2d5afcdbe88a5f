"""Operations for every field of the schema's roots, with canaries wherever a caller may send a value."""

from collections.abc import Iterator
from itertools import count
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    get_named_type,
    is_composite_type,
    is_required_argument,
    is_required_input_field,
)

CANARY = "zqcanary"
"""What every canary contains."""
NUMBER = 718_281_828
"""A number that nothing but a canary contains."""
VALID = {
    "DateTime": "2026-01-01T00:00:00Z",
    "Date": "2026-01-01",
    "Decimal": "12.50",
    "CurrencyCode": "EUR",
    "Boolean": True,
    "Float": 0.5,
}
"""Valid values of scalars that have a form."""
MAX_DEPTH = 6


class Canaries:
    """Makes values of input types. Without `valid` the scalars that have a form are canaries too."""

    def __init__(self, valid: bool) -> None:
        self._valid, self._numbers = valid, count()

    def text(self) -> str:
        """Another canary."""
        return f"{CANARY}{next(self._numbers)}"

    def value(self, kind: GraphQLInputType, depth: int = 0) -> Any:
        """A value of an input type, with all fields to some depth."""
        if isinstance(kind, GraphQLNonNull):
            return self.value(kind.of_type, depth)
        if isinstance(kind, GraphQLList):
            return [self.value(kind.of_type, depth)]
        if isinstance(kind, GraphQLEnumType):
            return next(iter(kind.values))
        if isinstance(kind, GraphQLInputObjectType):
            fields = kind.fields.items()
            if kind.is_one_of:
                fields = list(fields)[:1]
            return {
                name: self.value(field.type, depth + 1)
                for name, field in fields
                if depth < MAX_DEPTH or is_required_input_field(field)
            }
        if kind.name == "Int":
            return 5 if self._valid else NUMBER
        if self._valid and kind.name in VALID:
            return VALID[kind.name]
        return self.text()


def operations(schema: GraphQLSchema, valid: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a document and its variables for each field of the query, mutation and subscription types."""
    roots = [
        ("query", schema.query_type),
        ("mutation", schema.mutation_type),
        ("subscription", schema.subscription_type),
    ]
    for kind, root in roots:
        for name, field in root.fields.items():
            yield operation(kind, name, field, Canaries(valid))


def operation(kind: str, name: str, field: GraphQLField, canaries: Canaries) -> tuple[str, dict[str, Any]]:
    """Return a document that asks for one field with all arguments, and its variables."""
    # A size that a page cannot have would hide all that follows.
    arguments = {key: value for key, value in field.args.items() if is_required_argument(value) or key != "last"}
    definitions = ", ".join(f"${key}: {value.type}" for key, value in arguments.items())
    passed = ", ".join(f"{key}: ${key}" for key in arguments)
    selection = " { __typename }" if is_composite_type(get_named_type(field.type)) else ""
    variables, values = (f"({definitions})", f"({passed})") if arguments else ("", "")
    text = f"{kind} Send{variables} {{ {name}{values}{selection} }}"
    return text, {key: canaries.value(value.type) for key, value in arguments.items()}
