"""The executor that runs plans."""

from collections.abc import Awaitable, Mapping
from types import CoroutineType
from typing import Any, Self, cast

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    OperationType,
    default_field_resolver,
    default_type_resolver,
)
from graphql.execution import ExecutionResult
from graphql.execution.collect_fields import GroupedFieldSet, collect_fields

from schema.execution.compiled.awaiting import run_fields, run_serially
from schema.execution.compiled.fields import compiled_field
from schema.execution.compiled.plans import PLANS_KEPT, Begun, Fields, Plans, Running
from schema.execution.compiled.variables import UnfitError, coercer


class CompiledExecutor(Running):
    """Runs an operation by its plan, which is made on the first run with the same conditions."""

    plans: Plans

    @classmethod
    def of(
        cls,
        plans: Plans,
        schema: GraphQLSchema,
        document: DocumentNode,
        sent: Mapping[str, Any],
        ready: Mapping[str, Any] | None = None,
        **chosen: Any,
    ) -> Self | list[GraphQLError]:
        """The executor of a request with these variables, or what is wrong with them.

        `ready` is what `Plans.in_turns` made of them; `chosen` is as for `build`.

        The first of an operation is built by graphql-core, and so is one whose variables do not fit: it tells how.
        """
        begun = plans.begun
        made: Any = None if begun is None else cls._again(begun, schema, sent, ready, **chosen)
        if made is None:
            made = cls.build(schema, document, raw_variable_values=dict(sent), **chosen)
            if isinstance(made, list):
                return made
        if begun is None:
            coerce = coercer(schema, made.operation.variable_definitions or ())
            plans.begun = Begun(made.fragment_definitions, made.fragments, made.operation, coerce)
        made.plans = plans
        return cast("Self", made)

    @classmethod
    def _again(
        cls,
        begun: Begun,
        schema: GraphQLSchema,
        sent: Mapping[str, Any],
        ready: Mapping[str, Any] | None,
        context_value: Any,
        operation_name: str | None = None,
        **chosen: Any,
    ) -> Self | None:
        """The executor without looking through the document once more; `None` where graphql-core has to build it."""
        if begun.coerce is None:
            return None
        try:
            values = begun.coerce(sent, ready)
        except UnfitError:
            return None
        resolvers = default_field_resolver, default_type_resolver, default_field_resolver
        fixed = begun.fragment_definitions, begun.fragments, None, context_value, begun.operation, values
        return cls(schema, *fixed, *resolvers, **chosen)

    def execute_operation(self, serially: bool | None = None) -> Any:
        """The result, or a coroutine of it."""
        serial = self.operation.operation is OperationType.MUTATION if serially is None else serially
        try:
            fields = self._fields()
            result: Any = run_serially(fields, self) if serial else run_fields(fields, self.root_value, self, None)
            if isinstance(result, CoroutineType):
                return self._finished(result)
        except GraphQLError as error:
            self.collected_errors.add(error, None)
            result = None
        return ExecutionResult(result, self.collected_errors.errors or None)

    async def _finished(self, result: Awaitable[Any]) -> ExecutionResult:
        data = None
        try:
            data = await result
        except GraphQLError as error:
            self.collected_errors.add(error, None)
        return ExecutionResult(data, self.collected_errors.errors or None)

    def _fields(self) -> Fields:
        values = self.variable_values.coerced
        key = tuple(values.get(name) for name in self.plans.conditions)
        fields = self.plans.by_values.get(key)
        if fields is None:
            root = cast("GraphQLObjectType", self.schema.get_root_type(self.operation.operation))
            grouped, *_ = collect_fields(
                self.schema, self.fragments, self.variable_values, root, self.operation, self.hide_suggestions
            )
            if len(self.plans.by_values) >= PLANS_KEPT:
                self.plans.by_values.clear()
            fields = self.plans.by_values[key] = self.compiled(root, grouped)
        return fields

    def compiled(self, parent: GraphQLObjectType, grouped: GroupedFieldSet) -> Fields:
        """See `Running`."""
        return [(name, compiled_field(self, parent, name, details)) for name, details in grouped.items()]
