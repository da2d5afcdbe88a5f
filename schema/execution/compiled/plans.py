"""Plans: the compiled forms of an operation, by the values of its conditions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLObjectType,
    GraphQLResolveInfoHelpers,
    OperationDefinitionNode,
    Visitor,
    visit,
)
from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet
from graphql.language import DirectiveNode, VariableNode
from graphql.pyutils import Path
from msgspec import Struct
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from schema.execution.compiled.variables import Coercer, FallbackError

PLAN_CACHE_SIZE = 16
"""Number of plans cached per operation, by the variables in its conditions."""


class BaseExecutor(StrawberryGraphQLCoreExecutionContext):
    """The interface of the executor that closures use: graphql-core's executor, and the compilation of fields."""

    @property
    def async_helpers(self) -> GraphQLResolveInfoHelpers:
        """The async helpers of the resolver's info, built on access.

        Storing them here, as graphql-core does, would create a reference cycle with the executor, which keeps a
        request's data alive until Python's garbage collector runs.
        """
        return GraphQLResolveInfoHelpers(gather=self.gather_async_work, track=self.track_async_work)

    @async_helpers.setter
    def async_helpers(self, helpers: GraphQLResolveInfoHelpers) -> None:
        """Ignore the helpers that graphql-core assigns."""

    def compile_fields(self, parent: GraphQLObjectType, grouped: GroupedFieldSet) -> "CompiledFields":
        """Compile the fields of an object."""
        raise NotImplementedError

    def subfields(self, type: GraphQLObjectType, details: FieldDetailsList) -> GroupedFieldSet:
        """Return the fields that a selection contains for an object type."""
        grouped, *_ = self.collect_subfields(type, details)
        return grouped


Complete = Callable[[Any, BaseExecutor, Path, Any], Any]
"""From a value, the executor, the path and the resolver's info to the value in the answer, or a coroutine of it."""
CompiledField = Callable[[Any, BaseExecutor, Path | None], Any]
"""From an object, the executor and the object's path to the field's value in the answer, or a coroutine of it."""
CompiledFields = list[tuple[str, CompiledField]]


class PreparedOperation(Struct, frozen=True):
    """The parts of an operation's first executor that later ones reuse; `coerce` is the result of `coercer`."""

    fragment_definitions: dict[str, FragmentDefinitionNode]
    fragments: dict[str, Any]
    operation: OperationDefinitionNode
    coerce: Coercer | None


@dataclass(slots=True)
class Plans:
    """The plans of one operation. `conditions` are the variables that `@skip` and `@include` depend on."""

    conditions: tuple[str, ...]
    by_values: dict[tuple[Any, ...], CompiledFields] = field(default_factory=dict)
    prepared: PreparedOperation | None = None

    async def coerce_cooperatively(self, sent: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Coerce long lists in variables while other tasks run; `None` if coercion is left to the executor."""
        coerce = None if self.prepared is None else self.prepared.coerce
        try:
            return None if coerce is None else await coerce.coerce_cooperatively(sent)
        except FallbackError:
            return None


def plans_of(document: DocumentNode) -> Plans | None:
    """Return empty plans for an operation of a valid document; `None` if it contains unsupported directives."""
    conditions = Conditions()
    visit(document, conditions)
    return Plans(tuple(sorted(conditions.variables))) if conditions.supported else None


class Conditions(Visitor):
    """Collects the variables in conditions, and notes unsupported directives."""

    def __init__(self) -> None:
        super().__init__()
        self.variables: set[str] = set()
        self.supported = True

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        """Collect the variables of the directive."""
        self.supported = self.supported and node.name.value in ("skip", "include")
        for argument in node.arguments or ():
            if isinstance(argument.value, VariableNode):
                self.variables.add(argument.value.name.value)
