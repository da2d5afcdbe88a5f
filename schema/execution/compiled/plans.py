"""Plans: what an operation comes to once it is compiled, by the conditions in it."""

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

from schema.execution.compiled.variables import Coercer, UnfitError

PLANS_KEPT = 16
"""Plans kept of one operation, by the variables of its conditions."""


class Running(StrawberryGraphQLCoreExecutionContext):
    """The executor, as far as closures know it: graphql-core's, and a way to compile what is met on the way."""

    @property
    def async_helpers(self) -> GraphQLResolveInfoHelpers:
        """What resolvers find in their info, made when it is asked for.

        Kept here, as graphql-core does, it and the executor would hold each other, and with them all that a request
        sent, until Python looks for circles.
        """
        return GraphQLResolveInfoHelpers(gather=self.gather_async_work, track=self.track_async_work)

    @async_helpers.setter
    def async_helpers(self, helpers: GraphQLResolveInfoHelpers) -> None:
        """Let go of what graphql-core would keep."""

    def compiled(self, parent: GraphQLObjectType, grouped: GroupedFieldSet) -> "Fields":
        """The fields of an object, compiled."""
        raise NotImplementedError

    def subfields(self, type: GraphQLObjectType, details: FieldDetailsList) -> GroupedFieldSet:
        """What a selection holds of an object's type."""
        grouped, *_ = self.collect_subfields(type, details)
        return grouped


Complete = Callable[[Any, Running, Path, Any], Any]
"""From a value, the executor, the path and the resolver's info to what the answer holds, or a coroutine of it."""
Field = Callable[[Any, Running, Path | None], Any]
"""From an object, the executor and the object's path to what the answer holds under the field."""
Fields = list[tuple[str, Field]]


class Begun(Struct, frozen=True):
    """What graphql-core found when it built the first executor of an operation; `coerce` is as `coercer` answers."""

    fragment_definitions: dict[str, FragmentDefinitionNode]
    fragments: dict[str, Any]
    operation: OperationDefinitionNode
    coerce: Coercer | None


@dataclass(slots=True)
class Plans:
    """The plans of one operation. `conditions` are the variables that `@skip` and `@include` hang on."""

    conditions: tuple[str, ...]
    by_values: dict[tuple[Any, ...], Fields] = field(default_factory=dict)
    begun: Begun | None = None

    async def in_turns(self, sent: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Variables as far as they can be made ready while others go on; `None` where they are left as they are."""
        coerce = None if self.begun is None else self.begun.coerce
        try:
            return None if coerce is None else await coerce.in_turns(sent)
        except UnfitError:
            return None


def plans_of(document: DocumentNode) -> Plans | None:
    """The plans of an operation of a valid document; `None` where it holds directives that are not known here."""
    seen = Conditions()
    visit(document, seen)
    return Plans(tuple(sorted(seen.variables))) if seen.known else None


class Conditions(Visitor):
    """Collects the variables of conditions."""

    def __init__(self) -> None:
        super().__init__()
        self.variables: set[str] = set()
        self.known = True

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        """Note what it hangs on."""
        self.known = self.known and node.name.value in ("skip", "include")
        for argument in node.arguments or ():
            if isinstance(argument.value, VariableNode):
                self.variables.add(argument.value.name.value)
