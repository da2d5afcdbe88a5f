"""Functions generated for plain paths read the same as the general way does."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from service.connectors.generated import all_present
from service.connectors.values import MISSING, Scope, compile_value

NAMES = st.sampled_from(["a", "b", "c", "0", "quote'\"\\n", "ä", "def", "*", "x-y"])
LEAVES = st.none() | st.booleans() | st.integers(-1, 1) | st.sampled_from(["", "text", 0.0, 1.5])
RECORDS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=20
)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(".".join)
SPECS = PATHS | st.lists(PATHS, min_size=1, max_size=3) | PATHS.map(lambda path: {"path": path, "default": 7})


def in_the_root(spec: Any) -> Any:
    """The same value read from the root, which no function is generated for."""
    if isinstance(spec, str):
        return f"^.{spec}"
    if isinstance(spec, list):
        return [in_the_root(path) for path in spec]
    return spec | {"path": in_the_root(spec["path"])}


@given(RECORDS, SPECS)
def test_a_value_is_that_of_the_general_way(record: Any, spec: Any) -> None:
    scope = Scope(record, {}, record)
    general = compile_value(in_the_root(spec))
    assert not general.plain
    assert repr(compile_value(spec).get(scope)) == repr(general.get(scope))


@given(RECORDS, st.dictionaries(NAMES, SPECS, max_size=6))
def test_values_that_are_read_together_are_those_of_each(record: Any, specs: dict[str, Any]) -> None:
    scope = Scope(record, {}, record)
    values = {name: compile_value(spec) for name, spec in specs.items()}
    general = {name: compile_value(in_the_root(spec)).get(scope) for name, spec in specs.items()}
    found = all_present(values, MISSING)(scope)
    assert repr(found) == repr({name: value for name, value in general.items() if value is not None})
