"""Random GraphQL documents whose fragments and fields overlap."""

from random import Random

from graphql import (
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLCompositeType,
    GraphQLField,
    GraphQLSchema,
    Visitor,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_union_type,
    parse,
    visit,
)


class DocumentBuilder:
    """Writes a random document over a schema whose arguments are all optional numbers."""

    def __init__(self, schema: GraphQLSchema, random: Random, names: str = "", fragments: int = 3) -> None:
        self._schema, self._random, self._names, self._fragments = schema, random, names, fragments
        self._composite = [
            type for name, type in schema.type_map.items() if is_composite_type(type) and not name.startswith("__")
        ]
        self._conditions = [random.choice(self._composite) for _ in range(fragments)]

    def document(self, depth: int = 3) -> str:
        """Return a query and the fragments that it contains, each of which contains only later ones."""
        query = self._selections(self._schema.query_type, depth, 0)
        bodies = [
            f"fragment F{number} on {condition.name} {self._selections(condition, depth, number + 1)}"
            for number, condition in enumerate(self._conditions)
        ]
        return without_unused_fragments(" ".join([query, *bodies]))

    def _selections(self, parent: GraphQLCompositeType, depth: int, first_fragment: int) -> str:
        count = self._random.randint(1, 4)
        return "{ " + " ".join(self._selection(parent, depth, first_fragment) for _ in range(count)) + " }"

    def _selection(self, parent: GraphQLCompositeType, depth: int, first_fragment: int) -> str:
        kind = self._random.randint(0, 9)
        possible = self._possible(parent)
        if kind < 2 and depth:
            fitting = [type for type in self._composite if possible & self._possible(type)]
            condition = self._random.choice([None, *fitting])
            inner = self._selections(condition or parent, depth - 1, first_fragment)
            return f"... {'on ' + condition.name if condition else ''} {inner}"
        if kind < 5:
            later = [
                number
                for number in range(first_fragment, self._fragments)
                if possible & self._possible(self._conditions[number])
            ]
            if later:
                return f"...F{self._random.choice(later)}"
        return self._field(parent, depth, first_fragment)

    def _field(self, parent: GraphQLCompositeType, depth: int, first_fragment: int) -> str:
        fields: dict[str, GraphQLField] = {} if is_union_type(parent) else parent.fields
        names = [name for name, field in fields.items() if depth or not is_composite_type(get_named_type(field.type))]
        if not names:
            return "__typename"
        name = self._random.choice(names)
        field = fields[name]
        alias = f"{self._random.choice(self._names)}: " if self._names and self._random.random() < 0.5 else ""
        arguments = [
            f"{argument}: {self._random.randint(1, 2)}" for argument in field.args if self._random.random() < 0.5
        ]
        called = f"{alias}{name}({', '.join(arguments)})" if arguments else f"{alias}{name}"
        inner = get_named_type(field.type)
        return f"{called} {self._selections(inner, depth - 1, first_fragment)}" if is_composite_type(inner) else called

    def _possible(self, type: GraphQLCompositeType) -> set[GraphQLCompositeType]:
        return set(self._schema.get_possible_types(type)) if is_abstract_type(type) else {type}


def without_unused_fragments(text: str) -> str:
    """Remove fragments that are not spread in the query, directly or indirectly. The query comes first."""
    document = parse(text)
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    used: set[str] = set()
    pending = [document.definitions[0]]
    while pending:
        spreads = _Spreads()
        visit(pending.pop(), spreads)
        new = spreads.names - used
        used |= new
        pending += [fragments[name] for name in new]
    parts = [document.definitions[0], *(fragments[name] for name in sorted(used))]
    return " ".join(text[part.loc.start : part.loc.end] for part in parts)


class _Spreads(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: object) -> None:
        self.names.add(node.name.value)
