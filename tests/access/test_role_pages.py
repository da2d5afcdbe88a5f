"""The pages about roles are true: what they say a role may do passes the scopes of the role, the rest does not."""

import re
from pathlib import Path

import pytest
from graphql import OperationDefinitionNode, parse

from graph.domain.access.roles import BUILT_IN, ROLES
from schema.execution.access import AccessRules
from schema.root import schema
from tests.builders.repository import ROOT, text_of

PAGES = {
    "storefront.md": ["storefront"],
    "till.md": ["till"],
    "desk.md": ["desk"],
    "partner.md": ["partner"],
    "marketer.md": ["marketer"],
    "steward.md": ["steward"],
    "privacy-officer.md": ["privacy"],
    "services.md": ["feed", "ingest"],
    "administrator.md": ["admin"],
}
"""The roles of each page."""


def blocks(page: str) -> list[tuple[str, bool]]:
    """The documents of a page, and whether they are what the role may do."""
    permitted, _, refused = text_of(ROOT / "docs" / "access" / page).partition("## What it may not do")
    found = [(document, True) for document in re.findall(r"```graphql\n(.*?)```", permitted, re.DOTALL)]
    return found + [(document, False) for document in re.findall(r"```graphql\n(.*?)```", refused, re.DOTALL)]


CASES = [
    pytest.param(page, document, permitted, id=f"{Path(page).stem}-{position}")
    for page in PAGES
    for position, (document, permitted) in enumerate(blocks(page), 1)
]


@pytest.mark.parametrize(("page", "document", "permitted"), CASES)
def test_a_page_says_what_its_role_may_do(page: str, document: str, permitted: bool) -> None:
    # given
    node = parse(document)
    operations = [definition for definition in node.definitions if isinstance(definition, OperationDefinitionNode)]
    access = AccessRules(schema._schema).of_document([])
    # when
    may = [
        all(access.needs(operation).scopes <= ROLES[role].scopes for operation in operations) for role in PAGES[page]
    ]
    # then
    assert any(may) is permitted


def test_every_role_has_a_page() -> None:
    assert {role for roles in PAGES.values() for role in roles} == {role.name for role in BUILT_IN}
