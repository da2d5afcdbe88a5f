"""A cache of parsed, validated and weighed documents: clients send a few different ones again and again."""

import hashlib
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    Visitor,
    parse,
    specified_rules,
    validate,
    visit,
)
from graphql.validation import OverlappingFieldsCanBeMergedRule
from msgspec import Struct
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from schema.execution.access import AccessRules, DocumentAccess, Needs
from schema.execution.compiled import Plans, plans_of
from schema.execution.document_weight import DocumentWeigher, SelectionWeight
from schema.execution.limits import Limits
from schema.execution.overlapping_fields import conflicts
from schema.execution.sizes import SizePath, has_more_values, size_key

DOCUMENT_CACHE_SIZE = 1_000
"""Number of documents that are cached."""
MAX_CACHED_DOCUMENT_LENGTH = 20_000
"""Maximum length in characters of a cached document, which bounds the cache to some ten megabytes."""
DIGEST_LENGTH = 16
"""Hexadecimal digits of a document's digest."""
MAX_ERRORS = 20
"""Maximum number of errors reported for one document."""
COMPILE_FROM_RUN = 2
"""The run of a document from which it is compiled: compiling a document that runs once is not worth it."""
MANY_VALUES = 1_000
"""The number of values in variables above which even the first run is compiled: it converts them much faster."""
COMPILED_CACHE_SIZE = 200
"""Number of operations whose compiled plans are cached: the most recently used."""
WEIGHT_CACHE_SIZE = 64
"""Number of weights cached per operation, by the page sizes in its variables."""

MAX_MESSAGE_LENGTH = 1_000
"""Number of characters of a message about a document or its variables."""
_TOO_MANY_TOKENS = " tokens. Parsing aborted."

HIDDEN_ERRORS_MESSAGE = "the document is not valid for the schema; the development profile reports the details"
"""The only message about an invalid document if errors must not reveal the schema."""
RULES = (
    *(rule for rule in specified_rules if rule is not OverlappingFieldsCanBeMergedRule),
    MaybeNullValidationRule,
    OneOfInputValidationRule,
)
"""The validation rules, except for that about fields of the same name, which `overlapping_fields` checks."""
_INTROSPECTION = frozenset({"__schema", "__type"})
_FEDERATION = frozenset({"_service", "_entities"})


class OperationWeight(Struct, frozen=True):
    """The weight of an operation with given variables: its cost, its largest page size and its longest batch."""

    cost: int
    page: int
    batch: int


@dataclass(slots=True)
class Operation:
    """One operation of a valid document, with its weights and its compiled plans."""

    node: OperationDefinitionNode
    document: DocumentNode
    schema: GraphQLSchema
    access: DocumentAccess
    digest: str = ""
    """The beginning of the document's SHA-256, by which logs name it."""
    introspects: bool = False
    """Whether the document asks for the schema."""
    size_paths: tuple[SizePath, ...] = ()
    """The parts of variables that the cost depends on."""
    runs: int = 0
    plans: Plans | None = None
    """The compiled plans; `None` before the second run."""
    weights: dict[Hashable, OperationWeight] = field(default_factory=dict)
    _needs: Needs | None = None

    @property
    def needs(self) -> Needs:
        """The scopes that a caller must hold."""
        if self._needs is None:
            self._needs = self.access.needs(self.node)
        return self._needs

    def weight(self, sent: Mapping[str, Any]) -> OperationWeight:
        """Return the weight with these variables. Weights are cached by the values that they depend on."""
        key = tuple([size_key(sent, path) for path in self.size_paths])
        weight = self.weights.get(key)
        if weight is None:
            if len(self.weights) >= WEIGHT_CACHE_SIZE:
                self.weights.clear()
            weigher = DocumentWeigher(self.schema, self.document, sent)
            cost = weigher.operation(self.node).base
            weight = self.weights[key] = OperationWeight(cost, weigher.largest_page, weigher.largest_batch)
        return weight


@dataclass(slots=True)
class Document:
    """An analyzed document: its operations by name, or its errors."""

    errors: list[GraphQLError]
    operations: dict[str, Operation]
    parsed: bool = True

    def operation(self, name: str | None) -> Operation | GraphQLError:
        """Return the requested operation, or the error if there is none. Strawberry would run the first of several."""
        if name:
            operation = self.operations.get(name)
            return operation or GraphQLError(f"operationName: the document contains no operation {name[:60]!r}")
        if len(self.operations) == 1:
            return next(iter(self.operations.values()))
        if self.operations:
            return GraphQLError("the document contains several operations: operationName must name one")
        return GraphQLError("the document contains no operation")


class Documents:
    """The most recently used documents, analyzed."""

    def __init__(self, schema: GraphQLSchema, limits: Limits) -> None:
        self._schema, self._limits = schema, limits
        self._access_rules = AccessRules(schema)
        self._cache: OrderedDict[str, Document] = OrderedDict()
        self._compiled: OrderedDict[int, Operation] = OrderedDict()

    def get(self, text: str) -> Document:
        """Return the analyzed document, from the cache if possible."""
        document = self._cache.get(text)
        if document is not None:
            self._cache.move_to_end(text)
            return document
        document = self._analyze(text)
        if not document.errors and len(text) <= MAX_CACHED_DOCUMENT_LENGTH:
            self._cache[text] = document
            if len(self._cache) > DOCUMENT_CACHE_SIZE:
                self._cache.popitem(last=False)
        return document

    def clear(self) -> None:
        """Forget all documents: their literals may name somebody who was erased."""
        self._cache.clear()
        self._compiled.clear()

    def sizes(self) -> dict[str, int]:
        """Return the numbers of entries of the caches by name."""
        return {"documents": len(self._cache), "compiled_operations": len(self._compiled)}

    def plans(self, operation: Operation, sent: Mapping[str, Any]) -> Plans | None:
        """Count a run of an operation and return its compiled plans; `None` if graphql-core executes it."""
        operation.runs += 1
        if operation.runs < COMPILE_FROM_RUN and not has_more_values(sent, MANY_VALUES):
            return None
        self._compiled[id(operation)] = operation
        self._compiled.move_to_end(id(operation))
        if len(self._compiled) > COMPILED_CACHE_SIZE:
            _, least_recent = self._compiled.popitem(last=False)
            least_recent.plans = None
        if operation.plans is None:
            operation.plans = plans_of(operation.document)
        return operation.plans

    def _analyze(self, text: str) -> Document:
        if len(text) > self._limits.length:
            # Even comments and white space of a long text would occupy the parser for seconds.
            return Document([_limit_exceeded("characters", len(text), self._limits.length)], {}, parsed=False)
        try:
            node = parse(text, max_tokens=self._limits.tokens)
        except GraphQLError as error:
            if _TOO_MANY_TOKENS in error.message:
                error = _limit_exceeded("tokens", f"more than {self._limits.tokens}", self._limits.tokens)
            return Document([shortened(error)], {}, parsed=False)
        except RecursionError:
            return Document([GraphQLError("the document is nested too deeply")], {}, parsed=False)
        digest = hashlib.sha256(text.encode(errors="replace")).hexdigest()[:DIGEST_LENGTH]
        # The limits are checked first: a document that exceeds them would make validation expensive.
        operations: dict[str, Operation] = {}
        access = self._access_rules.of_document(
            [definition for definition in node.definitions if isinstance(definition, FragmentDefinitionNode)]
        )
        try:
            features = _FeatureVisitor()
            visit(node, features)
            errors = self._disabled_features(features)
            weigher = DocumentWeigher(self._schema, node, {})
            for definition in node.definitions:
                if isinstance(definition, OperationDefinitionNode):
                    errors += self._exceeded_limits(weigher.operation(definition), definition)
                    name = definition.name.value if definition.name else ""
                    variables = {variable.variable.name.value for variable in definition.variable_definitions or ()}
                    paths = tuple(path for path in weigher.size_paths if path[0] in variables)
                    introspects = bool(features.names & _INTROSPECTION)
                    operations[name] = Operation(definition, node, self._schema, access, digest, introspects, paths)
            if not errors:
                errors = validate(self._schema, node, RULES, max_errors=MAX_ERRORS)
                errors = errors or conflicts(self._schema, node, MAX_ERRORS)
                if errors and not self._limits.details:
                    errors = [GraphQLError(HIDDEN_ERRORS_MESSAGE)]
        except GraphQLError as error:
            errors = [error]
        except RecursionError:
            errors = [GraphQLError("the document is nested too deeply")]
        return Document([shortened(error) for error in errors], {} if errors else operations)

    def _disabled_features(self, visitor: "_FeatureVisitor") -> list[GraphQLError]:
        """Return errors for disabled features and for too many directives."""
        errors: list[GraphQLError] = []
        if visitor.directives > self._limits.directives:
            errors.append(_limit_exceeded("directives", visitor.directives, self._limits.directives))
        if visitor.names & _INTROSPECTION and not self._limits.introspection:
            errors.append(GraphQLError("introspection is disabled", extensions={"code": "FEATURE_DISABLED"}))
        if visitor.names & _FEDERATION and not self._limits.federation:
            errors.append(GraphQLError("federation is disabled", extensions={"code": "FEATURE_DISABLED"}))
        return errors

    def _exceeded_limits(self, selection_weight: SelectionWeight, node: OperationDefinitionNode) -> list[GraphQLError]:
        limits = self._limits
        errors: list[GraphQLError] = []
        if selection_weight.depth > limits.depth:
            errors.append(_limit_exceeded("levels of fields", selection_weight.depth, limits.depth, node))
        if selection_weight.aliases > limits.aliases:
            errors.append(
                _limit_exceeded("aliases and repeated fields", selection_weight.aliases, limits.aliases, node)
            )
        if selection_weight.fields > limits.fields:
            errors.append(
                _limit_exceeded("fields in its operations and fragments", selection_weight.fields, limits.fields, node)
            )
        return errors


class _FeatureVisitor(Visitor):
    """Counts directives and collects field names."""

    def __init__(self) -> None:
        super().__init__()
        self.directives = 0
        self.names: set[str] = set()

    def enter_directive(self, *_: Any) -> None:
        """Count the directive."""
        self.directives += 1

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        """Collect the field's name."""
        self.names.add(node.name.value)


def shortened(error: GraphQLError) -> GraphQLError:
    """Shorten the message of an error, which may contain a name or value of any length, and return the error."""
    if len(error.message) > MAX_MESSAGE_LENGTH:
        error.message = f"{error.message[:MAX_MESSAGE_LENGTH]}…"
    return error


def shown_number(count: int | str) -> str:
    """Return a number for a message. Python refuses to write very long ones."""
    return "more than a billion" if isinstance(count, int) and count >= 10**9 else str(count)


def _limit_exceeded(
    unit: str, count: int | str, limit: int, node: OperationDefinitionNode | None = None
) -> GraphQLError:
    return GraphQLError(
        f"the document contains {shown_number(count)} {unit}; {limit} are allowed",
        node,
        extensions={"code": "QUERY_TOO_COMPLEX"},
    )
