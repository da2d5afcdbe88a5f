"""The GraphQL examples of README.md and docs, sent one after the other as a reader of these pages would."""

import re
from typing import Any

import pytest
from graphql import OperationDefinitionNode, OperationType, parse

from graph.domain.model.audiences import DestinationInfo
from service.config import rules_file
from tests.builders.clients import Client
from tests.builders.repository import ROOT, pages, text_of
from tests.builders.runs import Run
from tests.builders.safeguards import ListSafeguards
from tests.builders.stores import Fresh

ANN = "crm_id=C-1"
VARIABLES = {"rules": rules_file.default_text()}
"""What examples with variables are sent with."""


def blocks(page: str) -> list[str]:
    return re.findall(r"```graphql\n(.*?)```", text_of(ROOT / page), re.DOTALL)


def is_subscription(document: str) -> bool:
    (operation,) = parse(document).definitions
    assert isinstance(operation, OperationDefinitionNode)
    return operation.operation is OperationType.SUBSCRIPTION


def used(document: str) -> dict[str, Any]:
    return {name: value for name, value in VARIABLES.items() if f"${name}" in document}


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    tool = DestinationInfo("newsletter-tool", "mailchimp")
    return Client(fresh(), run, safeguards=ListSafeguards(), destinations=[tool])


@pytest.mark.parametrize("page", ["README.md", "docs/getting-started.md"])
def test_the_first_example_does_what_the_page_says(client: Client, page: str) -> None:
    # given
    mutation, query = blocks(page)
    # when
    crm, web = client.ask(mutation)["linkIdentifiers"]["results"]
    customer = client.ask(query)["customer"]
    # then
    assert crm["customerId"] == web["customerId"] == customer["id"]
    assert customer["known"]
    assert [(node["namespace"], node["value"]) for node in customer["identifiers"]["nodes"]] == [
        ("crm_id", "C-1"),
        ("email", "ann@example.com"),
        ("cookie", "ck-4711"),
    ]
    # and the same again is a duplicate
    again = client.ask(mutation)["linkIdentifiers"]["results"]
    assert [result.get("duplicate", True) for result in again] == [True, True]


def test_all_examples_together_are_answered_without_errors(client: Client) -> None:
    # given
    examples = {path.relative_to(ROOT).as_posix(): blocks(path.relative_to(ROOT).as_posix()) for path in pages()}
    # Those about access show what single roles may do and may not: tests/access/test_role_pages.py runs them.
    examples = {page: found for page, found in examples.items() if not page.startswith("docs/access/")}
    sent = [document for page in examples.values() for document in page if not is_subscription(document)]
    assert len(sent) > 15
    # when
    client.ask(examples["docs/getting-started.md"][0])
    results = [client.ask(document, used(document)) for document in sent]
    # then: what the guides send is accepted, except what they call rejected
    rejected = [
        result["problem"]["code"]
        for data in results
        for payload in data.values()
        if isinstance(payload, dict)
        for result in payload.get("results", [])
        if "problem" in result
    ]
    assert rejected == ["NAMESPACE_LIMIT_EXCEEDED"]
    errors = [error["code"] for data in results for payload in data.values() if payload for error in errors_of(payload)]
    # and what is undone, restored, erased, confirmed and lifted is the examples' alone
    things = ("CHANGE", "SOURCE_REVOCATION", "CUSTOMER", "ERASURE", "RESTRICTION", "SEGMENT", "AUDIENCE")
    assert set(errors) == {f"{thing}_NOT_FOUND" for thing in things}
    assert client.customer(ANN, "known")["known"]


def errors_of(payload: Any) -> list[dict[str, str]]:
    return payload.get("errors", []) if isinstance(payload, dict) else []
