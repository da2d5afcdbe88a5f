"""Compiled execution: the selections of a repeated document become plain Python closures over resolver results.

For each value, graphql-core looks up the field, builds the resolver's info, and checks for awaitables and for the kind
of the type. All of that follows from the document, so it is computed once here; at run time each value is only fetched
and coerced. An object whose fields follow from it alone is built by one generated function (`fast_objects.py`).

Results, errors, paths and null propagation are those of graphql-core's executor (`graphql.execution.Executor`), whose
methods are called for every unusual case. `tests/schema/execution/test_compiled.py` and `tools/api/fuzz.py` compare the
two executors.
"""

from schema.execution.compiled.executor import CompiledExecutor
from schema.execution.compiled.plans import PLAN_CACHE_SIZE, Plans, plans_of

__all__ = ["PLAN_CACHE_SIZE", "CompiledExecutor", "Plans", "plans_of"]
