"""Values as JSON text."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from graph.domain.model.json_text import compact, spaced

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXTS
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=20)


@given(VALUES)
def test_compact_text_equals_that_of_the_standard_library(value: Any) -> None:
    """Stored texts are compared, and digests are made of them."""
    assert compact(value) == json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@given(
    st.recursive(
        LEAVES | st.text() | st.text(st.characters(max_codepoint=127)) | st.text(st.characters(categories=["Cs"])),
        lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner) | st.tuples(inner, inner),
        max_leaves=20,
    )
)
def test_spaced_text_equals_that_of_the_standard_library(value: Any) -> None:
    """Stored digests are made of such texts."""
    assert spaced(value) == json.dumps(value).encode()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_survives_a_round_trip(value: float) -> None:
    assert json.loads(compact(value)) == value
