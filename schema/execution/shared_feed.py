"""Subscriptions to the feed that can be executed once for all who ask the same, wherever each of them begins."""

from collections.abc import Mapping
from typing import Any

import orjson
from graphql import (
    FieldNode,
    NullValueNode,
    ObjectValueNode,
    OperationType,
    StringValueNode,
    ValueNode,
    VariableNode,
    Visitor,
    visit,
)
from msgspec import Struct

from schema.execution.documents import Operation
from schema.execution.runner import GraphQLRequest

CHANGES = "changes"
BOUND_TO_A_TIME = ("customerId", "segmentId")
"""Fields of a filter whose meaning follows from the store at the time of the subscription."""


class SharedFeed(Struct, frozen=True):
    """A subscription to the feed. Those with equal questions get equal events; `after` is the cursor before the first.

    `question` is the document, the name of the operation, and the variables without `after` as JSON.
    """

    question: tuple[str, str | None, bytes]
    after: str | None


def shared_feed(operation: Operation, request: GraphQLRequest) -> SharedFeed | None:
    """Return the subscription of a request, `None` if its events are not the same for all who send its document."""
    node = operation.node
    if node.operation is not OperationType.SUBSCRIPTION or len(node.selection_set.selections) != 1:
        return None
    (field,) = node.selection_set.selections
    if not isinstance(field, FieldNode) or field.name.value != CHANGES or field.directives:
        return None
    arguments = {argument.name.value: argument.value for argument in field.arguments or ()}
    if _is_bound_to_a_time(arguments.get("filter"), request.variables):
        return None
    name = after = None
    match arguments.get("after"):
        case VariableNode(name=variable):
            name = variable.value
            after = request.variables.get(name)
            has_default = any(
                definition.variable.name.value == name and definition.default_value is not None
                for definition in node.variable_definitions or ()
            )
            if has_default or not isinstance(after, str | None) or _uses(operation, name) != 1:
                return None
        case StringValueNode(value=text):
            after = text
        case None | NullValueNode():
            pass
        case _:
            return None
    others = {key: value for key, value in request.variables.items() if key != name}
    try:
        variables = orjson.dumps(others, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return None
    return SharedFeed((request.query, request.operation_name, variables), after)


def _is_bound_to_a_time(filter: ValueNode | None, sent: Mapping[str, Any]) -> bool:
    match filter:
        case None | NullValueNode():
            return False
        case ObjectValueNode(fields=fields):
            return any(field.name.value in BOUND_TO_A_TIME for field in fields)
        case VariableNode(name=name):
            value = sent.get(name.value)
            return not (value is None or (isinstance(value, dict) and value.keys().isdisjoint(BOUND_TO_A_TIME)))
    return True


def _uses(operation: Operation, name: str) -> int:
    uses = _Uses(name)
    visit(operation.document, uses)
    return uses.count


class _Uses(Visitor):
    """Counts the uses of a variable in a document, besides its definition."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name, self.count = name, 0

    def enter_variable(self, node: VariableNode, _key: Any, parent: Any, *_: Any) -> None:
        """Count a use."""
        self.count += node.name.value == self._name and not hasattr(parent, "variable")
