"""The executor that runs plans."""

from collections.abc import Awaitable
from types import CoroutineType
from typing import Any, cast

from graphql import GraphQLError, GraphQLObjectType, OperationType
from graphql.execution import ExecutionResult
from graphql.execution.collect_fields import GroupedFieldSet, collect_fields

from schema.compiled.fields import compiled_field
from schema.compiled.plans import PLANS_KEPT, Fields, Plans, Running
from schema.compiled.running import run_fields, run_serially


class CompiledExecutor(Running):
    """Runs an operation by its plan, which is made on the first run with the same conditions."""

    plans: Plans

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
