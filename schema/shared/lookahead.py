"""What a query selects of its customers, found before anything is read, so that one read brings all of it."""

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
OTHER_NODES = frozenset({"Change", "Mark", "Order", "Segment"})
"""What else an id or a representation may name: the fields of these are no customer's."""


def _variables(info: GraphQLResolveInfo[Any]) -> VariableValues:
    """The variables in the form that graphql-core's functions take; Strawberry hands resolvers the bare values."""
    values: Any = info.variable_values
    return values if isinstance(values, VariableValues) else VariableValues({}, values)


FOUND_KEPT = 500
_found: dict[tuple[int, Path], tuple[FieldNode, Rules, Selection | None]] = {}
"""What fields were found to select whose arguments and conditions hang on no variable, by the place of the node in
memory; the node is held, so that nothing else can come to be there."""


def selection_of(info: Info, *path: str) -> Selection | None:
    """The selection of the customers that the field of `info` leads to along `path`; `None` if it leads to none."""
    raw, rules = info._raw_info, info.context.graph.rules
    first = raw.field_nodes[0]
    known = _found.get((id(first), path))
    if known is not None and known[0] is first and known[1] is rules and len(raw.field_nodes) == 1:
        return known[2]
    found = _selected(raw, rules, path)
    if len(raw.field_nodes) == 1 and _is_constant(first, raw):
        if len(_found) >= FOUND_KEPT:
            _found.clear()
        _found[id(first), path] = first, rules, found
    return found


def _is_constant(field: FieldNode, info: GraphQLResolveInfo[Any]) -> bool:
    """Whether nothing below a field hangs on a variable."""
    seen = _Hanging()
    waiting: list[SelectionSetNode] = [] if field.selection_set is None else [field.selection_set]
    spread: set[str] = set()
    while waiting:
        visit(waiting.pop(), seen)
        fresh = seen.spreads - spread
        spread |= fresh
        waiting += [info.fragments[name].selection_set for name in fresh]
    return not seen.any


class _Hanging(Variables):
    """Whether there are variables, and which fragments are spread."""

    def __init__(self) -> None:
        super().__init__()
        self.spreads: set[str] = set()

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:
        """Note it."""
        self.spreads.add(node.name.value)


def _selected(info: GraphQLResolveInfo[Any], rules: Rules, path: Path) -> Selection | None:
    sets = [node.selection_set for node in info.field_nodes if node.selection_set is not None]
    for name in path:
        sets = [
            field.selection_set
            for one in sets
            for field in _fields(one, info)
            if field.name.value == name and field.selection_set is not None
        ]
    if not sets:
        return None
    customer = info.schema.type_map["Customer"]
    if not isinstance(customer, GraphQLObjectType):
        raise TypeError("the schema's Customer is no object")
    wanted: dict[PageRequest, None] = {}
    for one in sets:
        for field in _fields(one, info):
            definition = customer.fields.get(field.name.value)
            if definition is not None:
                arguments = get_argument_values(definition, field, _variables(info))
                wanted.update(dict.fromkeys(_pages(field.name.value, arguments, rules)))
    return Selection.of(wanted)


def _fields(selections: SelectionSetNode, info: GraphQLResolveInfo[Any]) -> Iterator[FieldNode]:
    """The fields of a selection, fragments spread and conditions applied."""
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
    """Whether a fragment may hold fields of a customer, or lead to them along a payload's path."""
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
            filters = (arguments.get(one) for one in ("kinds", "channels", "since", "until", "types"))
            yield customer_pages.timeline_page(first, after, *filters)
        case _ if name in customer_pages.NEEDS:
            yield from customer_pages.NEEDS[name]
        case _ if name in customer_pages.SHORTHANDS:
            yield customer_pages.shorthand_page(rules, name, first)
