"""Documents, parsed, validated and measured once; clients send few different ones, over and over."""

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    Visitor,
    parse,
    specified_rules,
    validate,
    visit,
)
from msgspec import Struct
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from schema.execution.compiled import Plans, plans_of
from schema.execution.document_weight import Measure, Measuring
from schema.execution.limits import Limits

KEPT = 1_000
"""Documents that are kept."""
LONGEST_KEPT = 20_000
"""Characters of a document that is kept, so that the kept ones stay within some ten megabytes."""
MOST_ERRORS = 20
"""Errors of one document that are told."""
COMPILED_FROM = 2
"""The run of a document from which on it is compiled: what is sent once is not worth it."""
COMPILED_KEPT = 200
"""Operations that are kept compiled: those that ran last."""
WEIGHTS_KEPT = 64
"""Weights kept of one operation, by the page sizes in its variables."""

UNTOLD = "the document does not fit the schema; what does not fit is told in the development profile"
"""All that is said of an unfit document where the schema is not to be guessed from errors."""
RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
_INTROSPECTION = frozenset({"__schema", "__type"})
_FEDERATION = frozenset({"_service", "_entities"})


class Weight(Struct, frozen=True):
    """What an operation comes to with some variables: its cost, and the largest page that it names."""

    cost: int
    page: int


@dataclass(slots=True)
class Operation:
    """One operation of a valid document, and what it comes to."""

    node: OperationDefinitionNode
    document: DocumentNode
    schema: GraphQLSchema
    sized_by: tuple[str, ...] = ()
    runs: int = 0
    plans: Plans | None = None
    """How it runs compiled, from its second run on."""
    weights: dict[Hashable, Weight] = field(default_factory=dict)

    def weight(self, variables: Mapping[str, Any]) -> Weight:
        """The weight with these variables. Kept, by those of them that it hangs on."""
        key = tuple(_size(variables.get(name)) for name in self.sized_by)
        known = self.weights.get(key)
        if known is None:
            if len(self.weights) >= WEIGHTS_KEPT:
                self.weights.clear()
            measuring = Measuring(self.schema, self.document, variables)
            known = self.weights[key] = Weight(measuring.operation(self.node).base, measuring.largest_page)
        return known


def _size(value: Any) -> Hashable:
    """What of a variable's value a cost can hang on: a number, or the lengths of lists in it."""
    match value:
        case list():
            return len(value)
        case Mapping():
            return tuple((str(name), len(one)) for name, one in value.items() if isinstance(one, list))
        case int():
            return value
    return None


@dataclass(slots=True)
class Document:
    """A document that was looked through: its operations by name, or what is wrong with it."""

    errors: list[GraphQLError]
    operations: dict[str, Operation]
    parsed: bool = True

    def operation(self, name: str | None) -> Operation | GraphQLError:
        """The operation that a request means. Strawberry would run the first of several."""
        if name:
            found = self.operations.get(name)
            return found or GraphQLError(f"operationName: the document holds no operation {name[:60]!r}")
        if len(self.operations) == 1:
            return next(iter(self.operations.values()))
        if self.operations:
            return GraphQLError("the document holds several operations: operationName must name one")
        return GraphQLError("the document holds no operation")


class Documents:
    """The documents that were sent lately, looked through."""

    def __init__(self, schema: GraphQLSchema, limits: Limits) -> None:
        self._schema, self._limits = schema, limits
        self._kept: OrderedDict[str, Document] = OrderedDict()
        self._compiled: OrderedDict[int, Operation] = OrderedDict()

    def get(self, text: str) -> Document:
        """A document, looked through now or before."""
        document = self._kept.get(text)
        if document is not None:
            self._kept.move_to_end(text)
            return document
        document = self._look_through(text)
        if not document.errors and len(text) <= LONGEST_KEPT:
            self._kept[text] = document
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return document

    def plans(self, operation: Operation) -> Plans | None:
        """The plans to run an operation by, which is noted as run; `None` where it is run as it comes."""
        operation.runs += 1
        if operation.runs < COMPILED_FROM:
            return None
        self._compiled[id(operation)] = operation
        self._compiled.move_to_end(id(operation))
        if len(self._compiled) > COMPILED_KEPT:
            _, longest_ago = self._compiled.popitem(last=False)
            longest_ago.plans = None
        if operation.plans is None:
            operation.plans = plans_of(operation.document)
        return operation.plans

    def _look_through(self, text: str) -> Document:
        try:
            node = parse(text, max_tokens=self._limits.tokens)
        except GraphQLError as error:
            return Document([error], {}, parsed=False)
        except RecursionError:
            return Document([GraphQLError("the document is nested too deeply")], {}, parsed=False)
        # The limits come first: what they refuse would keep the other rules busy.
        measured: dict[str, Operation] = {}
        try:
            errors = self._closed(node)
            for one in node.definitions:
                if isinstance(one, OperationDefinitionNode):
                    measuring = Measuring(self._schema, node, {})
                    errors += self._over(measuring.operation(one), one)
                    name = one.name.value if one.name else ""
                    measured[name] = Operation(one, node, self._schema, tuple(sorted(measuring.sized_by)))
            if not errors:
                errors = validate(self._schema, node, RULES, max_errors=MOST_ERRORS)
                if errors and not self._limits.details:
                    errors = [GraphQLError(UNTOLD)]
        except GraphQLError as error:
            errors = [error]
        except RecursionError:
            errors = [GraphQLError("the document is nested too deeply")]
        return Document(errors, {} if errors else measured)

    def _closed(self, node: DocumentNode) -> list[GraphQLError]:
        """What is not open to callers here, and directives without end."""
        seen = _Seen()
        visit(node, seen)
        errors: list[GraphQLError] = []
        if seen.directives > self._limits.directives:
            errors.append(_too_much("directives", seen.directives, self._limits.directives))
        if seen.names & _INTROSPECTION and not self._limits.introspection:
            errors.append(GraphQLError("introspection is switched off here", extensions={"code": "NOT_OPEN"}))
        if seen.names & _FEDERATION and not self._limits.federation:
            errors.append(GraphQLError("federation is switched off here", extensions={"code": "NOT_OPEN"}))
        return errors

    def _over(self, measure: Measure, node: OperationDefinitionNode) -> list[GraphQLError]:
        limits = self._limits
        errors: list[GraphQLError] = []
        if measure.depth > limits.depth:
            errors.append(_too_much("levels of fields", measure.depth, limits.depth, node))
        if measure.aliases > limits.aliases:
            errors.append(_too_much("aliases and repeated fields", measure.aliases, limits.aliases, node))
        return errors


class _Seen(Visitor):
    """Collects what `_closed` looks at."""

    def __init__(self) -> None:
        super().__init__()
        self.directives = 0
        self.names: set[str] = set()

    def enter_directive(self, *_: Any) -> None:
        """Count it."""
        self.directives += 1

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        """Note its name."""
        self.names.add(node.name.value)


def _too_much(what: str, found: int, most: int, node: OperationDefinitionNode | None = None) -> GraphQLError:
    shown = str(found) if found < 10**9 else "more than a billion"
    return GraphQLError(
        f"the document holds {shown} {what}; {most} are allowed", node, extensions={"code": "LIMIT_REACHED"}
    )
