"""access.toml: what it accepts, and what its errors name."""

from pathlib import Path

import pytest

from graph.domain.access.roles import ROLES
from graph.domain.access.scopes import ANY, CONTACT_READ, CUSTOMER_READ
from graph.domain.access.viewer import Reach
from graph.domain.model.errors import InvalidInput
from graph.domain.model.observations import Party
from service.access import access_file
from service.access.budgets import DEFAULT_BUDGETS, Budget

ISSUER = """
[[issuer]]
issuer = "https://login.example.com"
audience = "https://kith.example.com"
algorithms = ["ES256"]
"""
ROLE = """
[[role]]
name = "branch"
description = "The manager of a branch."
reach = "held"
scopes = ["customer:read"]
"""


def test_without_a_file_there_are_the_built_in_roles_and_no_issuer() -> None:
    # when
    access = access_file.read(None)
    # then
    assert access.roles is ROLES
    assert access.issuers == {}


def test_a_custom_role_is_beside_the_built_in_ones(tmp_path: Path) -> None:
    # given
    path = tmp_path / "access.toml"
    path.write_text(f'{ROLE}scopes_with_reason = ["contact:read"]\nparty = "second"\nneeds_sources = true')
    # when
    roles = access_file.read(path).roles
    # then
    role = roles["branch"]
    assert (role.reach, role.party, role.needs_sources) == (Reach.HELD, Party.SECOND_PARTY, True)
    assert role.scopes == {ANY, CUSTOMER_READ}
    assert role.scopes_with_reason == {CONTACT_READ}
    assert set(roles) == {*ROLES, "branch"}
    assert "branch" in roles.grantable
    assert "developer" not in roles.grantable


def test_an_issuer_has_what_the_file_says() -> None:
    # given
    text = f"""{ROLE}{ISSUER}
role_claim = ["realm_access", "roles"]
scope_claim = "scope"
subject_claim = "sub"
subject_namespace = "login"
purposes = ["service"]
[issuer.roles]
shop = "storefront"
boss = "branch"
[issuer.scopes]
read = ["customer:read"]
[[issuer.client]]
id = "till-7"
role = "till"
sources = ["till"]
purposes = ["checkout"]
"""
    # when
    issuer = access_file.parse(text).issuers["https://login.example.com"]
    # then
    assert issuer.audience == ("https://kith.example.com",)
    assert issuer.role_claim == ("realm_access", "roles")
    assert {value: role.name for value, role in issuer.roles.items()} == {"shop": "storefront", "boss": "branch"}
    assert issuer.scopes == {"read": {CUSTOMER_READ}}
    assert issuer.clients["till-7"].sources == {"till"}
    assert issuer.clients["till-7"].role is ROLES["till"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("nonsense", ["is not TOML"]),
        ("[[issuers]]", ["issuers: is not a known key"]),
        ("[[issuer]]\naudience = 'a'\nalgorithms = ['ES256']", ["issuer.1.issuer: Field required"]),
        (ISSUER.replace("ES256", "HS256"), ["issuer.1.algorithms.1", "HS256", "ES256"]),
        (ISSUER.replace("ES256", "none"), ["issuer.1.algorithms.1", "none"]),
        (ISSUER.replace('["ES256"]', "[]"), ["issuer.1.algorithms", "at least 1"]),
        (ISSUER.replace('"https://kith.example.com"', "7"), ["issuer.1.audience", "7"]),
        (ISSUER.replace("https://login", "http://login"), ["issuer.1.issuer", "http://login.example.com", "https://"]),
        (ISSUER + 'jwks_uri = "http://10.0.0.1/keys"', ["issuer.1.jwks_uri", "http://10.0.0.1/keys"]),
        (ISSUER + 'jwks_uri = "file:///etc/passwd"', ["issuer.1.jwks_uri", "file:///etc/passwd"]),
        (ISSUER + 'jwks_uri = "https://user@host/keys"', ["issuer.1.jwks_uri"]),
        (ISSUER.replace("example.com", "example.com/a|b", 1), ["issuer.1.issuer", "|"]),
        (ISSUER + ISSUER, ["issuer.2.issuer", "twice"]),
        (ISSUER + 'purposes = ["Every thing"]', ["issuer.1.purposes", "Every thing"]),
        (ISSUER + "keys_max_age_seconds = 300", ["issuer.1.keys_max_age_seconds", "300", "keys_refresh_seconds"]),
        (ISSUER + "keys_refresh_seconds = 0", ["issuer.1.keys_refresh_seconds", "1", "0"]),
        (ISSUER + 'role_claim = "roles"', ["issuer.1.role_claim", "roles"]),
        (ISSUER + 'role_claim = "r"\n[issuer.roles]\na = "king"', ["issuer.1.roles.a", "king", "storefront"]),
        (ISSUER + 'role_claim = "r"\n[issuer.roles]\na = "developer"', ["issuer.1.roles.a", "developer"]),
        (ISSUER + '[issuer.scopes]\na = ["customer:read"]', ["issuer.1.scopes", "scope_claim"]),
        (ISSUER + 'scope_claim = "s"\n[issuer.scopes]\na = ["root"]', ["issuer.1.scopes.a", "root", "customer:read"]),
        (ISSUER + 'subject_namespace = "login"', ["issuer.1.subject_namespace", "subject_claim"]),
        (ISSUER + 'subject_claim = "sub"\nsubject_namespace = "A B"', ["issuer.1.subject_namespace", "A B"]),
        (ISSUER + '[[issuer.client]]\nid = "a"\nrole = "king"', ["issuer.1.client.1.role", "king"]),
        (ISSUER + '[[issuer.client]]\nid = "a"\n[[issuer.client]]\nid = "a"', ["issuer.1.client.2.id", "twice"]),
        (ISSUER + '[[issuer.client]]\nid = "a"\nsources = ["x:claimed"]', ["issuer.1.client.1.sources", "x:claimed"]),
        (ISSUER + f'[[issuer.client]]\nid = "a"\nsources = ["{"x" * 101}"]', ["issuer.1.client.1.sources.1", "100"]),
        (
            ISSUER + '[[issuer.client]]\nid = "a"\nsources = ["web:claimed"]',
            ["issuer.1.client.1.sources", "web:claimed"],
        ),
        (ROLE.replace('"branch"', '"Branch 7"'), ["role.1.name", "Branch 7"]),
        (ROLE.replace('"branch"', '"till"'), ["role.1.name", "till", "built-in"]),
        (ROLE.replace('"branch"', '"none"'), ["role.1.name", "none"]),
        (ROLE + ROLE, ["role.2.name", "branch", "twice"]),
        (ROLE.replace("customer:read", "everything"), ["role.1.scopes", "everything", "customer:read"]),
        (ROLE.replace("customer:read", "nobody"), ["role.1.scopes", "nobody"]),
        (ROLE.replace('"held"', '"all"'), ["role.1.reach", "all", "'held'"]),
        (ROLE.replace('"held"', '"own"'), ["role.1.reach", "needs_sources"]),
    ],
)
def test_an_error_names_the_file_the_key_and_the_value(text: str, named: list[str]) -> None:
    # when
    with pytest.raises(InvalidInput) as caught:
        access_file.parse(text, "/etc/kith/access.toml")
    # then
    assert caught.value.message.startswith("KITH_ACCESS: /etc/kith/access.toml: ")
    assert [part for part in named if part not in caught.value.message] == [], caught.value.message


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"KITH_ACCESS: .*nothing\.toml cannot be read"):
        access_file.read(tmp_path / "nothing.toml")


def test_budgets_replace_those_of_roles_one_by_one() -> None:
    # when
    budgets = access_file.parse(
        f"{ROLE}[budgets.till]\nper_minute = 5\nper_hour = 50\nmisses_per_hour = 10\n"
        "[budgets.branch]\nper_minute = 7\nper_hour = 70\ncallers_per_address = 3\n"
        "[budgets.visitor]\nper_minute = 9\nper_hour = 90"
    ).budgets
    # then
    assert budgets["till"] == Budget(5, 50, 10, None)
    assert budgets["branch"] == Budget(7, 70, None, 3)
    assert budgets["visitor"] == Budget(9, 90, None, None)
    assert budgets["desk"] == DEFAULT_BUDGETS["desk"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("[budgets.tell]\nper_minute = 5\nper_hour = 50", "budgets.tell: 'tell' is not a role"),
        ("[budgets.till]\nper_minute = 0\nper_hour = 50", "budgets.till.per_minute"),
        ("[budgets.till]\nper_minute = 5", "budgets.till.per_hour"),
        ("[budgets.till]\nper_minute = 5\nper_hour = 4", "budgets.till.per_hour: '4' is less than per_minute"),
        ("[budgets.till]\nper_minute = 5\nper_hour = 5\nper_day = 5", "budgets.till.per_day: is not a known key"),
    ],
)
def test_a_budget_that_is_not_valid_is_named(table: str, message: str) -> None:
    with pytest.raises(InvalidInput) as error:
        access_file.parse(table)
    assert message in error.value.message
