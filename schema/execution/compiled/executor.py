"""The executor that runs compiled plans."""

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
from schema.execution.compiled.fields import compile_field
from schema.execution.compiled.plans import PLAN_CACHE_SIZE, BaseExecutor, CompiledFields, Plans, PreparedOperation
from schema.execution.compiled.variables import FallbackError, coercer


class CompiledExecutor(BaseExecutor):
    """Runs an operation by its plan, which is compiled on the first run with the same conditions."""

    plans: Plans

    @classmethod
    def of(
        cls,
        plans: Plans,
        schema: GraphQLSchema,
        document: DocumentNode,
        sent: Mapping[str, Any],
        precoerced: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Self | list[GraphQLError]:
        """Return the executor of a request with these variables, or the variables' errors.

        `precoerced` is the result of `Plans.coerce_cooperatively`; `options` are those of `build`.

        graphql-core builds the first executor of an operation, and every executor whose variables are invalid, so that
        it reports the errors.
        """
        prepared = plans.prepared
        built: Any = None if prepared is None else cls._rebuild(prepared, schema, sent, precoerced, **options)
        if built is None:
            built = cls.build(schema, document, raw_variable_values=dict(sent), **options)
            if isinstance(built, list):
                return built
        if prepared is None:
            coerce = coercer(schema, built.operation.variable_definitions or ())
            plans.prepared = PreparedOperation(built.fragment_definitions, built.fragments, built.operation, coerce)
        built.plans = plans
        return cast("Self", built)

    @classmethod
    def _rebuild(
        cls,
        prepared: PreparedOperation,
        schema: GraphQLSchema,
        sent: Mapping[str, Any],
        precoerced: Mapping[str, Any] | None,
        context_value: Any,
        operation_name: str | None = None,
        **options: Any,
    ) -> Self | None:
        """Build the executor without traversing the document again; `None` if graphql-core has to build it."""
        if prepared.coerce is None:
            return None
        try:
            values = prepared.coerce(sent, precoerced)
        except FallbackError:
            return None
        resolvers = default_field_resolver, default_type_resolver, default_field_resolver
        parts = prepared.fragment_definitions, prepared.fragments, None, context_value, prepared.operation, values
        return cls(schema, *parts, *resolvers, **options)

    def execute_operation(self, serially: bool | None = None) -> Any:
        """Return the result, or a coroutine of it."""
        serial = self.operation.operation is OperationType.MUTATION if serially is None else serially
        try:
            fields = self._fields()
            result: Any = run_serially(fields, self) if serial else run_fields(fields, self.root_value, self, None)
            if isinstance(result, CoroutineType):
                return self._finish(result)
        except GraphQLError as error:
            self.collected_errors.add(error, None)
            result = None
        return ExecutionResult(result, self.collected_errors.errors or None)

    async def _finish(self, result: Awaitable[Any]) -> ExecutionResult:
        data = None
        try:
            data = await result
        except GraphQLError as error:
            self.collected_errors.add(error, None)
        return ExecutionResult(data, self.collected_errors.errors or None)

    def _fields(self) -> CompiledFields:
        values = self.variable_values.coerced
        key = tuple(values.get(name) for name in self.plans.conditions)
        fields = self.plans.by_values.get(key)
        if fields is None:
            root = cast("GraphQLObjectType", self.schema.get_root_type(self.operation.operation))
            grouped, *_ = collect_fields(
                self.schema, self.fragments, self.variable_values, root, self.operation, self.hide_suggestions
            )
            if len(self.plans.by_values) >= PLAN_CACHE_SIZE:
                self.plans.by_values.clear()
            fields = self.plans.by_values[key] = self.compile_fields(root, grouped)
        return fields

    def compile_fields(self, parent: GraphQLObjectType, grouped: GroupedFieldSet) -> CompiledFields:
        """Compile the fields of an object."""
        return [(name, compile_field(self, parent, name, details)) for name, details in grouped.items()]
