"""Random valid documents of any schema, with variables for them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLInputField,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    Undefined,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_enum_type,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
    is_required_input_field,
    parse,
    validate,
)

ALIASES = ("a", "b", "c", "id", "name", "size")
"""Few, and some are names of fields, so that response names collide."""
LEAVES: dict[str, Sequence[Any]] = {
    "Int": (0, 1, 3, -1),
    "Float": (0.5, 2, -1.25),
    "String": ("", "x", "long text"),
    "ID": ("i1", 7),
    "Boolean": (True, False),
    "DateTime": ("2026-03-01T12:00:00Z", "never"),
    "Decimal": ("12.50", 3),
}
"""Values of scalars by type."""
BAD = ({"unknown": 1}, "bad", [[None]], 1.5, None, 2**40)
"""Values that many variables do not accept."""


@dataclass
class Variable:
    """A variable of a document."""

    type: Any
    default: str | None


@dataclass
class Generator:
    """Writes one random operation."""

    schema: GraphQLSchema
    rng: random.Random
    variables: dict[str, Variable] = field(default_factory=dict)
    fragments: dict[str, tuple[str, str]] = field(default_factory=dict)
    aliased: dict[str, str] = field(default_factory=dict)

    def chance(self, odds: float) -> bool:
        return self.rng.random() < odds

    def operation(self, kind: str) -> str:
        """The text of a document with an operation of this kind."""
        roots = {"query": self.schema.query_type, "mutation": self.schema.mutation_type}
        root: Any = roots.get(kind, self.schema.subscription_type)
        depth = self.rng.choice((2, 2, 2, 2, 3, 3, 4))
        body = self.selections(root, depth) if kind != "subscription" else self.field(root, depth, root.fields)
        declared = ", ".join(
            f"${name}: {variable.type}{'' if variable.default is None else f' = {variable.default}'}"
            for name, variable in self.variables.items()
        )
        fragments = [f"fragment {name} on {on} {{ {inner} }}" for name, (on, inner) in self.fragments.items()]
        return " ".join([f"{kind} Main{f'({declared})' if declared else ''} {{ {body} }}", *fragments])

    # Selections

    def selections(self, parent: Any, depth: int) -> str:
        """The selections of an object, an interface or a union."""
        fields = getattr(parent, "fields", {})
        parts = [self.field(parent, depth, fields) for _ in range(self.rng.randrange(1, 5))] if fields else []
        if not parts or self.chance(0.15):
            parts.append(f"__typename{self.condition()}")
        if depth and self.chance(0.35 if fields else 0.9):
            for _ in range(self.rng.randrange(1, 3)):
                parts.append(self.fragment(parent, depth))
        self.rng.shuffle(parts)
        return " ".join(parts)

    def field(self, parent: Any, depth: int, fields: dict[str, Any]) -> str:
        """One field with its arguments, condition and selections."""
        leaves = {name: inner for name, inner in fields.items() if not is_composite_type(get_named_type(inner.type))}
        name = self.rng.choice(list((fields if depth else leaves) or {"__typename": None}))
        if name == "__typename":
            return name
        definition = fields[name]
        arguments = self.arguments(definition.args)
        alias = self.alias(name, name + arguments)
        inner: Any = get_named_type(definition.type)
        selected = "" if is_leaf_type(inner) else f" {{ {self.selections(inner, depth - 1)} }}"
        root_of_subscription = parent is self.schema.subscription_type
        condition = "" if root_of_subscription else self.condition()
        return f"{alias}{name}{arguments}{condition}{selected}"

    def alias(self, name: str, signature: str) -> str:
        """An alias, which often collides with another one, but seldom with that of another field or arguments."""
        chosen = self.rng.choice(ALIASES) if self.chance(0.3) else name
        if self.aliased.setdefault(chosen, signature) != signature and self.chance(0.97):
            chosen = f"u{len(self.aliased)}"
            self.aliased[chosen] = signature
        return "" if chosen == name else f"{chosen}: "

    def fragment(self, parent: Any, depth: int) -> str:
        """An inline fragment or the spread of a named one, on any type that overlaps."""
        own = set(self.schema.get_possible_types(parent)) if not isinstance(parent, GraphQLObjectType) else {parent}
        kinds = [
            type
            for type in self.schema.type_map.values()
            if is_composite_type(type)
            and not type.name.startswith("__")
            and own & (set(self.schema.get_possible_types(type)) if not isinstance(type, GraphQLObjectType) else {type})
        ]
        on = self.rng.choice(kinds)
        known = [name for name, (type, _) in self.fragments.items() if type in {kind.name for kind in kinds}]
        if known and self.chance(0.3):
            return f"...{self.rng.choice(known)}{self.condition()}"
        if self.chance(0.3):
            inner = self.selections(on, depth - 1)
            name = f"F{len(self.fragments)}"
            self.fragments[name] = on.name, inner
            return f"...{name}{self.condition()}"
        if self.chance(0.2):
            return f"...{self.condition()} {{ {self.selections(parent, depth - 1)} }}"
        return f"... on {on.name}{self.condition()} {{ {self.selections(on, depth - 1)} }}"

    def condition(self) -> str:
        """`@skip`, `@include`, both or nothing."""
        names = [name for name in ("skip", "include") if self.chance(0.1)]
        boolean = GraphQLNonNull(GraphQLBoolean)
        return "".join(
            f" @{name}(if: {self.variable(boolean, False) if self.chance(0.8) else self.literal(boolean, 0)})"
            for name in names
        )

    # Values

    def arguments(self, definitions: dict[str, GraphQLArgument]) -> str:
        """The arguments of a field in parentheses; nothing if there are none."""
        texts = self.named(definitions, 3)
        return f"({', '.join(texts)})" if texts else ""

    def named(self, definitions: dict[str, Any], depth: int) -> list[str]:
        """Named values: the required ones, and some others."""
        texts = []
        for name, definition in definitions.items():
            if _required(definition) or self.chance(0.35 if depth > 0 else 0):
                texts.append(f"{name}: {self.value(definition, depth)}")
        return texts

    def value(self, definition: GraphQLArgument | GraphQLInputField, depth: int) -> str:
        """A literal or a variable for an argument or an input field."""
        has_default = definition.default is not None or definition.default_value is not Undefined
        return self.typed(definition.type, depth, has_default)

    def typed(self, type: Any, depth: int, has_default: bool = False) -> str:
        """A literal or a variable of a type, for a place with or without a default."""
        if self.chance(0.3):
            return self.variable(type, has_default)
        return self.literal(type, depth)

    def literal(self, type: Any, depth: int, variables: bool = True) -> str:
        """A literal, in which there may be variables."""
        if is_non_null_type(type):
            return self.present(type.of_type, depth, variables)
        return "null" if depth < 0 or self.chance(0.15) else self.present(type, depth, variables)

    def present(self, type: Any, depth: int, variables: bool) -> str:
        """A literal that is not null."""

        def inner(of: Any) -> str:
            return self.typed(of, depth - 1) if variables else self.literal(of, depth - 1, False)

        if is_list_type(type):
            item: Any = get_nullable_type(type.of_type)
            if not is_list_type(item) and self.chance(0.15):
                return self.present(item, depth - 1, variables=False)
            return f"[{', '.join(inner(type.of_type) for _ in range(self.rng.randrange(3)))}]"
        if is_enum_type(type):
            return self.rng.choice(list(type.values))
        if is_input_object_type(type):
            if type.is_one_of:
                name, chosen = self.rng.choice(list(type.fields.items()))
                return f"{{{name}: {self.present(chosen.type, depth - 1, variables)}}}"
            if not variables:
                fields = {name: of for name, of in type.fields.items() if self.chance(0.3) or _required(of)}
                return f"{{{', '.join(f'{name}: {inner(of.type)}' for name, of in fields.items())}}}"
            return f"{{{', '.join(self.named(type.fields, depth - 1))}}}"
        value = self.rng.choice(LEAVES[type.name])
        return f'"{value}"' if isinstance(value, str) else str(value).lower()

    def variable(self, type: Any, has_default: bool) -> str:
        """A variable that is allowed in a place of a type: of this type, a stricter or a nullable one."""
        nullable: Any = get_nullable_type(type)
        required = is_non_null_type(type)
        known = [
            name
            for name, variable in self.variables.items()
            if str(get_nullable_type(variable.type)) == str(nullable)
            and (not required or is_non_null_type(variable.type) or variable.default is not None or has_default)
        ]
        if known and self.chance(0.5):
            return f"${self.rng.choice(known)}"
        default = None
        if self.chance(0.4):
            default = self.present(nullable, 2, variables=False)
        strict = self.chance(0.4) or (required and default is None and not has_default)
        name = f"v{len(self.variables)}"
        self.variables[name] = Variable(GraphQLNonNull(nullable) if strict else nullable, default)
        return f"${name}"

    # Variables as JSON

    def sent(self, valid: float = 0.97) -> dict[str, Any]:
        """Values for all variables; some are left out where that is allowed, and a few are wrong."""
        values: dict[str, Any] = {}
        for name, variable in self.variables.items():
            omissible = variable.default is not None or not is_non_null_type(variable.type)
            if omissible and self.chance(0.35):
                continue
            values[name] = self.json(variable.type, 3) if self.chance(valid) else self.rng.choice(BAD)
        return values

    def json(self, type: Any, depth: int) -> Any:
        """A JSON value of an input type."""
        if is_non_null_type(type):
            return self.json_present(type.of_type, depth)
        return None if depth < 0 or self.chance(0.25) else self.json_present(type, depth)

    def json_present(self, type: Any, depth: int) -> Any:
        """A JSON value that is not null."""
        if is_list_type(type):
            if self.chance(0.1):
                return self.json(type.of_type, depth - 1)
            return [self.json(type.of_type, depth - 1) for _ in range(self.rng.randrange(3))]
        if is_enum_type(type):
            return self.rng.choice(list(type.values))
        if is_input_object_type(type):
            if type.is_one_of:
                name, chosen = self.rng.choice(list(type.fields.items()))
                return {name: self.json_present(chosen.type, depth - 1)}
            chosen_fields = {
                name: of for name, of in type.fields.items() if _required(of) or (depth > 0 and self.chance(0.4))
            }
            return {name: self.json(of.type, depth - 1) for name, of in chosen_fields.items()}
        return self.rng.choice(LEAVES[type.name])


def _required(definition: GraphQLArgument | GraphQLInputField) -> bool:
    if isinstance(definition, GraphQLArgument):
        return is_required_argument(definition)
    return is_required_input_field(definition)


def valid_document(schema: GraphQLSchema, rng: random.Random) -> tuple[Generator, str]:
    """A document that is valid for a schema, and its generator, which makes values for its variables.

    Most documents that are generated are; response names that collide in one that could not be merged are the rest.
    """
    while True:
        generator = Generator(schema, rng)
        text = generator.operation(rng.choice(["query", "query", "query", "mutation", "subscription"]))
        if not validate(schema, parse(text)):
            return generator, text
