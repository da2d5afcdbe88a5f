"""How queries are read from the .cypher files."""

import pytest

from graph.stores.neo4j.cypher import parse

FIRST = "// name: first\n// Returns one.\nRETURN 1 AS one;\n"


def test_queries_are_read_by_name_in_their_order() -> None:
    text = f"{FIRST}\n// name: second\n// Returns two.\nRETURN 2\n  AS two;\n"
    assert parse(text) == {"first": "RETURN 1 AS one", "second": "RETURN 2\n  AS two"}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("// name: second\n// Returns two.\n// Here; there.\nRETURN 2 AS two;\n", None),
        ("// name: second\n// Returns two.\nRETURN 2 // one; more\nAS two;\n", "second"),
        ("// name: second\nRETURN 2 AS two;\n", "second"),
        (FIRST, "duplicates"),
    ],
)
def test_a_query_that_cannot_be_read_is_an_error(text: str, named: str | None) -> None:
    if named is None:
        assert list(parse(FIRST + text)) == ["first", "second"]
        return
    with pytest.raises(ValueError, match=named):
        parse(FIRST + text)
