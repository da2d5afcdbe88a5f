"""Look-ahead: finds what a query selects of its customers, so that one read of the store returns all of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSkipDirective,
    InlineFragmentNode,
    NamedTypeNode,
    SelectionNode,
    SelectionSetNode,
    visit,
)
from graphql.execution.values import VariableValues, get_argument_values, get_directive_values

from graph.domain.model.rules import Rules
from graph.domain.profile.pages import PageRequest, Selection
from graph.viewer_graph import ViewerGraph
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
TIMELINE_FILTERS = ("kinds", "channels", "since", "until", "types", "properties")
"""The arguments of `timeline` after those of its page, in the order of `timeline_page`."""
_selection_cache: dict[tuple[int, Path], tuple[FieldNode, Rules, Selection | None, bool]] = {}
"""Selections by the node's identity, and whether they depend on variables: then they are found again for each request.
Each entry holds a reference to its node, so that the identity is not reused."""


def selection_of(info: Info, *path: str) -> Selection | None:
    """Return the selection on the customers that the field of `info` returns at `path`; `None` if it returns none."""
    raw, rules = info._raw_info, info.context.graph.rules
    nodes: Sequence[FieldNode] = raw.field_nodes
    if len(nodes) != 1:
        return _selection_of_request(info, path)
    first = nodes[0]
    cached = _selection_cache.get((id(first), path))
    if cached is not None and cached[0] is first and cached[1] is rules:
        return _selection_of_request(info, path) if cached[3] else cached[2]
    selection = _selection_of_request(info, path)
    if len(_selection_cache) >= SELECTION_CACHE_SIZE:
        _selection_cache.clear()
    _selection_cache[id(first), path] = first, rules, selection, not _is_constant(first, raw)
    return selection


def _selection_of_request(info: Info, path: Path) -> Selection | None:
    """Return the selection, which is found once per request: a field may be resolved for each of many objects."""
    raw, found = info._raw_info, info.context.selections
    if found.variables is not raw.variable_values:
        found.variables, found.by_nodes = raw.variable_values, {}
    key = tuple(map(id, raw.field_nodes)), path
    if key not in found.by_nodes:
        # The nodes are referenced, so that their identities are not reused.
        found.by_nodes[key] = _find_selection(raw, info.context.graph, path), raw.field_nodes
    return found.by_nodes[key][0]


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


def _find_selection(info: GraphQLResolveInfo[Any], graph: ViewerGraph, path: Path) -> Selection | None:
    sets = [node.selection_set for node in info.field_nodes if node.selection_set is not None]
    for name in path:
        sets = [
            field.selection_set
            for field in _fields(sets, info)
            if field.name.value == name and field.selection_set is not None
        ]
    if not sets:
        return None
    customer = info.schema.type_map["Customer"]
    if not isinstance(customer, GraphQLObjectType):
        raise TypeError("the schema's Customer is not an object type")
    pages: dict[PageRequest, None] = {}
    for field in _fields(sets, info):
        definition = customer.fields.get(field.name.value)
        if definition is not None:
            arguments = get_argument_values(definition, field, _variables(info))
            pages.update(dict.fromkeys(_pages(field.name.value, arguments, graph)))
    return Selection.of(pages)


def _fields(sets: Iterable[SelectionSetNode], info: GraphQLResolveInfo[Any]) -> list[FieldNode]:
    """Return the fields of selection sets, with conditions applied and each fragment expanded once."""
    fields: list[FieldNode] = []
    variables, visited = _variables(info), set[str]()
    for selections in sets:
        _collect_fields(selections, info.fragments, variables, visited, fields)
    return fields


def _collect_fields(
    selections: SelectionSetNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    variables: VariableValues,
    visited: set[str],
    fields: list[FieldNode],
) -> None:
    for node in selections.selections:
        if not _is_included(node, variables):
            continue
        match node:
            case FieldNode():
                fields.append(node)
            case InlineFragmentNode() if _may_be_customer(node.type_condition):
                _collect_fields(node.selection_set, fragments, variables, visited, fields)
            case FragmentSpreadNode() if (name := node.name.value) not in visited:
                visited.add(name)
                fragment = fragments[name]
                if _may_be_customer(fragment.type_condition):
                    _collect_fields(fragment.selection_set, fragments, variables, visited, fields)


def _is_included(node: SelectionNode, variables: VariableValues) -> bool:
    if not node.directives:
        return True
    skip = get_directive_values(GraphQLSkipDirective, node, variables)
    include = get_directive_values(GraphQLIncludeDirective, node, variables)
    return not (skip and skip["if"]) and not (include and not include["if"])


def _may_be_customer(condition: NamedTypeNode | None) -> bool:
    """Return whether a fragment may contain fields of a customer, or fields on the path to one."""
    return condition is None or condition.name.value not in OTHER_NODES


def _pages(name: str, arguments: Mapping[str, Any], graph: ViewerGraph) -> Iterator[PageRequest]:
    first, after = arguments.get("first", 0), arguments.get("after")
    match name:
        case "identifiers":
            yield customer_pages.identifier_page(graph, first, after, arguments.get("namespaces"))
        case "orders":
            yield customer_pages.order_page(first, after)
        case "links":
            yield customer_pages.link_page(graph, first, after, arguments.get("states"))
        case "possibleMatches":
            yield customer_pages.match_page(graph, first, after)
        case "history":
            yield customer_pages.history_page(first, after)
        case "timeline":
            filters = (arguments.get(name) for name in TIMELINE_FILTERS)
            yield customer_pages.timeline_page(graph, first, after, *filters)
        case "undeliverableAddresses":
            yield from customer_pages.undeliverable_pages(graph)
        case "contactableAddresses":
            yield from customer_pages.contactable_pages(graph, arguments["channel"])
        case _ if name in customer_pages.REQUIRED_PAGES:
            yield from customer_pages.REQUIRED_PAGES[name]
        case _ if name in customer_pages.SHORTHANDS:
            yield customer_pages.shorthand_page(graph.rules, name, first)
