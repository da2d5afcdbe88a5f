"""Random documents over the real schema, and the cost of what their answers contain."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLNamedType,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_required_argument,
)

from schema.execution.costs import ASSUMED_SIZE, BATCH_ARGUMENTS, LIST_SIZES, SIZED_BY_PARENT, WEIGHTS
from schema.root import schema

CORE = schema._schema
SIZES = [0, 1, 2, 25, 60]
MAX_FIELDS = 25
FULL = {"Query.customer", "Query.customers", "Query.nodes", "Customer.orders", "Customer.timeline", "Order.customer"}
"""Fields that the graph has much of, which are chosen more often."""
EXCLUDED = {"Query.simulate", "Query.why", "Query.rulesPreview", "Query._service", "Customer.consent"}
"""Fields that fail without further arguments, or whose answers follow from no page."""


class WeighedDocument:
    """A random query, its variables, and the schema's name of each field of its answer.

    `identifiers` and `ids` exist in the graph. Sizes are literals, variables, numbers with a decimal point, defaults of
    variables or absent; batches are lists, lists of variables, or single values.
    """

    def __init__(self, random: Random, identifiers: Sequence[Mapping[str, str]], ids: Sequence[str]) -> None:
        self._random, self._identifiers, self._ids = random, identifiers, ids
        self._fragments: list[str] = []
        self._definitions: list[str] = []
        self.variables: dict[str, Any] = {}
        self._coordinates: dict[str, tuple[str, GraphQLField]] = {}
        query = self._selections(CORE.query_type, 7)
        head = f"query({', '.join(self._definitions)})" if self._definitions else "query"
        self.text = " ".join([head, query, *self._fragments])

    def cost(self, answer: Any) -> int:
        """Return the cost of what an answer contains. A list without a size counts as its assumed size at most."""
        if not isinstance(answer, dict):
            return 0
        return sum(self._field_cost(name, value) for name, value in answer.items())

    def _field_cost(self, name: str, value: Any) -> int:
        if name == "__typename":
            return 0
        coordinate, field = self._coordinates[name]
        weight = WEIGHTS.get(coordinate, 0)
        if not is_composite_type(get_named_type(field.type)):
            return 0
        if not isinstance(value, list):
            return weight + (0 if value is None else 1 + self.cost(value))
        items = [item for entry in value for item in (entry if isinstance(entry, list) else [entry])]
        costs = sorted((1 + self.cost(item) for item in items if item is not None), reverse=True)
        sized = coordinate in BATCH_ARGUMENTS or "first" in field.args or field_name(coordinate) in SIZED_BY_PARENT
        return weight + sum(costs if sized else costs[: LIST_SIZES.get(coordinate, ASSUMED_SIZE)])

    def _selections(self, type: GraphQLNamedType, depth: int) -> str:
        parts = [self._selection(type, depth) for _ in range(self._random.choice([1, 1, 2, 3]))]
        if self._random.random() < 0.2:
            self._fragments.append(f"fragment F{len(self._fragments)} on {type.name} {{ {' '.join(parts)} }}")
            parts = [f"...F{len(self._fragments) - 1}", "__typename"]
        return "{ " + " ".join(parts) + " }"

    def _selection(self, type: GraphQLNamedType, depth: int) -> str:
        if is_abstract_type(type):
            customer = CORE.type_map["Customer"]
            possible = CORE.get_possible_types(type)
            type = customer if customer in possible and self._random.random() < 0.7 else self._random.choice(possible)
            return f"... on {type.name} {self._selections(type, depth)}"
        if self._random.random() < 0.1 and depth:
            return f"... on {type.name} {self._selections(type, depth)}"
        fields = {
            name: field
            for name, field in type.fields.items()
            if (depth > 0 or not is_composite_type(get_named_type(field.type)))
            and self._can_call(field)
            and f"{type.name}.{name}" not in EXCLUDED
        }
        lead_on = [name for name, field in fields.items() if is_composite_type(get_named_type(field.type))]
        if not fields or len(self._coordinates) >= MAX_FIELDS:
            return "__typename"
        full = [name for name in lead_on if f"{type.name}.{name}" in FULL]
        choices = [list(fields), lead_on or list(fields), full or lead_on or list(fields)]
        name = self._random.choice(self._random.choices(choices, [1, 3, 6])[0])
        field = fields[name]
        alias = f"a{len(self._coordinates)}"
        self._coordinates[alias] = f"{type.name}.{name}", field
        inner = get_named_type(field.type)
        below = self._selections(inner, depth - 1) if is_composite_type(inner) else ""
        return f"{alias}: {name}{self._arguments(name, field)} {below}"

    def _can_call(self, field: GraphQLField) -> bool:
        required = {str(argument.type) for argument in field.args.values() if is_required_argument(argument)}
        return required <= {"CustomerBy!", "[IdentifierInput!]!", "[ID!]!", "ID!", "IdentifierInput!"}

    def _arguments(self, name: str, field: GraphQLField) -> str:
        values = []
        for argument, definition in field.args.items():
            if argument == "first":
                size = self._size()
                values += [] if size is None else [f"first: {size}"]
            elif is_required_argument(definition):
                values.append(f"{argument}: {self._required(str(definition.type))}")
        return f"({', '.join(values)})" if values else ""

    def _variable(self, type: str, value: Any, default: str = "") -> str:
        name = f"v{len(self._definitions)}"
        self._definitions.append(f"${name}: {type}{f' = {default}' if default else ''}")
        if not default or self._random.random() < 0.3:
            self.variables[name] = value
        return f"${name}"

    def _size(self) -> str | None:
        size = self._random.choice(SIZES)
        match self._random.randint(0, 5):
            case 0:
                return None
            case 1:
                return str(size)
            case 2:
                return self._variable("Int!", float(size))
            case 3:
                return self._variable("Int!", size)
            case 4:
                return self._variable("Int! ", size, str(self._random.choice(SIZES)))
        return self._variable("Int", size, str(self._random.choice(SIZES)))

    def _required(self, type: str) -> str:
        identifier = self._random.choice(self._identifiers)
        if type == "IdentifierInput!":
            return _literal(identifier)
        if type == "ID!":
            return f'"{self._random.choice(self._ids)}"'
        if type == "CustomerBy!":
            return f"{{identifier: {_literal(identifier)}}}"
        count = self._random.choice([1, 2, 7])
        pool: Sequence[Any] = self._ids if type == "[ID!]!" else self._identifiers
        items = [self._random.choice(pool) for _ in range(count)]
        item_type = type[1:-2]
        match self._random.randint(0, 4):
            case 0:
                return _literal(items)
            case 1:
                return _literal(items[0])
            case 2:
                return self._variable(type, items)
            case 3:
                return f"[{', '.join(self._variable(item_type, item) for item in items)}]"
        return self._variable(type, items[:1], _literal(items))


def field_name(coordinate: str) -> str:
    """Return the field's name without that of its type."""
    return coordinate.partition(".")[2]


def _literal(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_literal(item) for item in value)}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{name}: {_literal(item)}' for name, item in value.items())}}}"
    return f'"{value}"'
