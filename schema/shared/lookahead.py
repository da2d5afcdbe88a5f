"""Look-ahead: finds what a query selects of its customers, so that one read of the store returns all of it."""

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSkipDirective,
    InlineFragmentNode,
    NamedTypeNode,
    SelectionSetNode,
    visit,
)
from graphql.execution.values import VariableValues, get_argument_values, get_directive_values

from graph.domain.model.rules import Rules
from graph.domain.profile.pages import PageRequest, Selection
from schema.shared import customer_pages
from schema.shared.context import Info
from schema.shared.visitors import Variables

Path = tuple[str, ...]
OTHER_NODES = frozenset({"Change", "Override", "Order", "Segment"})
"""Other types that an id or a representation may refer to: their fields are not fields of a customer."""


def _variables(info: GraphQLResolveInfo[Any]) -> VariableValues:
    """Return the variables in the form that graphql-core expects; Strawberry passes plain values to resolvers."""
    values: Any = info.variable_values
    return values if isinstance(values, VariableValues) else VariableValues({}, values)


SELECTION_CACHE_SIZE = 500
_selection_cache: dict[tuple[int, Path], tuple[FieldNode, Rules, Selection | None]] = {}
"""Selections of fields whose arguments and conditions contain no variables, by the node's identity. Each entry holds a
reference to its node, so that the identity is not reused."""


def selection_of(info: Info, *path: str) -> Selection | None:
    """Return the selection on the customers that the field of `info` returns at `path`; `None` if it returns none."""
    raw, rules = info._raw_info, info.context.graph.rules
    first = raw.field_nodes[0]
    cached = _selection_cache.get((id(first), path))
    if cached is not None and cached[0] is first and cached[1] is rules and len(raw.field_nodes) == 1:
        return cached[2]
    selection = _find_selection(raw, rules, path)
    if len(raw.field_nodes) == 1 and _is_constant(first, raw):
        if len(_selection_cache) >= SELECTION_CACHE_SIZE:
            _selection_cache.clear()
        _selection_cache[id(first), path] = first, rules, selection
    return selection


def selection_of_nodes(info: Info, *path: str) -> Selection:
    """Return the selection of the customers at `path` below the nodes of the connection that the field returns."""
    selections = (selection_of(info, *nodes, *path) for nodes in (("nodes",), ("edges", "node")))
    return Selection.of(page for selection in selections if selection is not None for page in selection.pages)


def _is_constant(field: FieldNode, info: GraphQLResolveInfo[Any]) -> bool:
    """Return whether a field's selection contains no variables."""
    visitor = _VariableUses()
    pending: list[SelectionSetNode] = [] if field.selection_set is None else [field.selection_set]
    visited: set[str] = set()
    while pending:
        visit(pending.pop(), visitor)
        new = visitor.spreads - visited
        visited |= new
        pending += [info.fragments[name].selection_set for name in new]
    return not visitor.any


class _VariableUses(Variables):
    """Detects variables and collects the names of spread fragments."""

    def __init__(self) -> None:
        super().__init__()
        self.spreads: set[str] = set()

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:
        """Collect the fragment's name."""
        self.spreads.add(node.name.value)


def _find_selection(info: GraphQLResolveInfo[Any], rules: Rules, path: Path) -> Selection | None:
    sets = [node.selection_set for node in info.field_nodes if node.selection_set is not None]
    for name in path:
        sets = [
            field.selection_set
            for selections in sets
            for field in _fields(selections, info)
            if field.name.value == name and field.selection_set is not None
        ]
    if not sets:
        return None
    customer = info.schema.type_map["Customer"]
    if not isinstance(customer, GraphQLObjectType):
        raise TypeError("the schema's Customer is not an object type")
    pages: dict[PageRequest, None] = {}
    for selections in sets:
        for field in _fields(selections, info):
            definition = customer.fields.get(field.name.value)
            if definition is not None:
                arguments = get_argument_values(definition, field, _variables(info))
                pages.update(dict.fromkeys(_pages(field.name.value, arguments, rules)))
    return Selection.of(pages)


def _fields(selections: SelectionSetNode, info: GraphQLResolveInfo[Any]) -> Iterator[FieldNode]:
    """Yield the fields of a selection, with fragments expanded and conditions applied."""
    variables = _variables(info)
    for node in selections.selections:
        skip = get_directive_values(GraphQLSkipDirective, node, variables)
        include = get_directive_values(GraphQLIncludeDirective, node, variables)
        if (skip and skip["if"]) or (include and not include["if"]):
            continue
        match node:
            case FieldNode():
                yield node
            case InlineFragmentNode() if _may_be_customer(node.type_condition):
                yield from _fields(node.selection_set, info)
            case FragmentSpreadNode() if _may_be_customer((fragment := info.fragments[node.name.value]).type_condition):
                yield from _fields(fragment.selection_set, info)


def _may_be_customer(condition: NamedTypeNode | None) -> bool:
    """Return whether a fragment may contain fields of a customer, or fields on the path to one."""
    return condition is None or condition.name.value not in OTHER_NODES


def _pages(name: str, arguments: Mapping[str, Any], rules: Rules) -> Iterator[PageRequest]:
    first, after = arguments.get("first", 0), arguments.get("after")
    match name:
        case "identifiers":
            yield customer_pages.identifier_page(rules, first, after, arguments.get("namespaces"))
        case "orders":
            yield customer_pages.order_page(first, after)
        case "links":
            yield customer_pages.link_page(first, after, arguments.get("states"))
        case "possibleMatches":
            yield customer_pages.match_page(first, after)
        case "history":
            yield customer_pages.history_page(first, after)
        case "timeline":
            filters = (arguments.get(name) for name in ("kinds", "channels", "since", "until", "types"))
            yield customer_pages.timeline_page(first, after, *filters)
        case _ if name in customer_pages.REQUIRED_PAGES:
            yield from customer_pages.REQUIRED_PAGES[name]
        case _ if name in customer_pages.SHORTHANDS:
            yield customer_pages.shorthand_page(rules, name, first)
