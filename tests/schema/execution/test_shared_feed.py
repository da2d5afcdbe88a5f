"""Which subscriptions are executed once for several followers: those that mean the same for all of them."""

from typing import Any

import pytest

from schema.execution.documents import Documents
from schema.execution.limits import Limits
from schema.execution.runner import GraphQLRequest
from schema.execution.shared_feed import SharedFeed, shared_feed
from schema.root import schema

PLAIN = "subscription { changes { cursor } }"
AFTER = "subscription Feed($a: String) { changes(after: $a) { cursor } }"
FILTER = "subscription Feed($f: ChangesFilter, $a: String) { changes(filter: $f, after: $a) { cursor } }"


def feed(text: str, name: str | None = None, **variables: Any) -> SharedFeed | None:
    documents = Documents(schema._schema, Limits())
    document = documents.get(text)
    assert not document.errors
    operation = document.operation(name)
    return shared_feed(operation, GraphQLRequest(text, variables, name))  # type: ignore[arg-type]


def test_followers_from_different_cursors_ask_the_same() -> None:
    asked = [feed(AFTER, a="one"), feed(AFTER, a="two"), feed(AFTER)]
    assert [one.after for one in asked if one is not None] == ["one", "two", None]
    assert len({one.question for one in asked if one is not None}) == 1


def test_questions_differ_by_document_operation_and_other_variables() -> None:
    asked = [
        feed(PLAIN),
        feed(PLAIN.replace("cursor", "id")),
        feed(AFTER),
        feed(FILTER),
        feed(FILTER, f={"kinds": ["CUSTOMERS_MERGED"]}),
        feed(FILTER, f={"source": "crm"}),
        feed(PLAIN.replace("subscription", "subscription A") + " query B { __typename }", "A"),
    ]
    assert None not in asked
    assert len({one.question for one in asked if one is not None}) == len(asked)
    assert feed(FILTER, f={"source": "crm", "since": None}) == feed(FILTER, f={"since": None, "source": "crm"}, a=None)


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("query { changes { nodes { id } } }", {}),
        ('subscription { customerChanged(by: {id: "cus_1"}) { id } }', {}),
        ("subscription { ...F } fragment F on Subscription { changes { cursor } }", {}),
        ('subscription { changes(filter: {customerId: "cus_1"}) { cursor } }', {}),
        ('subscription { changes(filter: {segmentId: "seg_1"}) { cursor } }', {}),
        (FILTER, {"f": {"customerId": "cus_1"}}),
        (AFTER, {"a": 7}),
        ('subscription Feed($a: String = "x") { changes(after: $a) { cursor } }', {}),
        ("subscription S($a: String) { changes(after: $a, filter: {source: $a}) { cursor } }", {"a": "x"}),
    ],
)
def test_others_are_executed_for_each(text: str, variables: dict[str, Any]) -> None:
    assert feed(text, **variables) is None


def test_a_cursor_in_the_document_is_read() -> None:
    asked = feed('subscription { changes(after: "abc") { cursor } }')
    assert asked is not None
    assert asked.after == "abc"
    assert feed("subscription { changes(after: null) { cursor } }").after is None  # type: ignore[union-attr]
