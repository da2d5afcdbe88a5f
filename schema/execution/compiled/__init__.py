"""A document seen before runs compiled: its selections become plain Python closures over what resolvers return.

graphql-core walks a document anew for each value: it looks up the field, builds what resolvers may want to know, checks
for awaitables and for the kind of the type. All of that is known once the document is; here it is worked out once, and
what is left for each value is to fetch it and to make it fit; an object whose fields follow from it alone is one
generated function (`quick.py`). What a field returns, the errors, their paths and how
nulls bubble are those of graphql-core's executor (`graphql.execution.Executor`, whose methods this one uses wherever
something is out of the ordinary): `tests/schema/test_compiled.py` and `tools/api/fuzz.py` hold the two against each
other.
"""

from schema.execution.compiled.executor import CompiledExecutor
from schema.execution.compiled.plans import PLANS_KEPT, Plans, plans_of

__all__ = ["PLANS_KEPT", "CompiledExecutor", "Plans", "plans_of"]
