"""What the claims of a token mean."""

from typing import Any

import pytest
from msgspec.structs import replace

from graph.domain.access.roles import ROLES
from graph.domain.access.scopes import ANY, CONTACT_READ, CUSTOMER_READ, ORDER_READ
from graph.domain.access.viewer import Reach
from graph.domain.model.rules import Rules
from service.access.access_file import Client, Issuer
from service.access.claims import RefusedToken, granted, signed_in
from service.config import rules_file

RULES = rules_file.parse(rules_file.default_text())
ISSUER = Issuer(
    "https://login.example.com",
    ("https://kith.example.com",),
    ("ES256",),
    role_claim=("roles",),
    roles={"front": ROLES["storefront"], "counter": ROLES["till"], "help": ROLES["desk"]},
)


def claims(**more: Any) -> dict[str, Any]:
    return {"sub": "u-1", "client_id": "app", "roles": ["counter"], **more}


def subject(issuer: Issuer, rules: Rules = RULES, **more: Any) -> str | None:
    return signed_in(granted(issuer, claims(**more)), rules, lambda: True).viewer.subject


def test_the_caller_is_named_by_issuer_client_and_subject() -> None:
    viewer = granted(ISSUER, claims(sub="auth0|7")).viewer
    assert viewer.caller == "https://login.example.com|app|auth0|7"
    # What is stored with each statement does not name the person.
    assert viewer.sender == "https://login.example.com|app"


@pytest.mark.parametrize(
    "more",
    [
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 256},
        {"sub": "a\nb"},
        {"client_id": None},
        {"client_id": ["app"]},
        {"client_id": "app|other"},
    ],
)
def test_a_caller_without_a_name_of_its_own_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(RefusedToken):
        granted(ISSUER, claims(**more))


@pytest.mark.parametrize(
    ("named", "role"),
    [
        ("counter", "till"),
        (["other", "counter"], "till"),
        (["counter", "front"], "storefront"),
        (["unknown"], "none"),
        ([], "none"),
        ({"counter": True}, "none"),
        (7, "none"),
        ("counter front", "none"),
    ],
)
def test_the_first_role_of_the_table_counts(named: object, role: str) -> None:
    viewer = granted(ISSUER, claims(roles=named)).viewer
    assert viewer.role == role
    assert (viewer.reach is Reach.NONE and not viewer.scopes and viewer.sources == frozenset()) == (role == "none")


def test_nested_claims_are_found_by_their_path() -> None:
    # given: as Keycloak sends roles
    issuer = replace(ISSUER, role_claim=("resource_access", "kith", "roles"))
    # then
    assert granted(issuer, claims(resource_access={"kith": {"roles": ["front"]}})).viewer.role == "storefront"
    assert granted(issuer, claims(resource_access={"kith": ["front"]})).viewer.role == "none"
    assert granted(issuer, claims(resource_access="front")).viewer.role == "none"


def test_the_role_of_a_client_counts_if_the_token_names_none() -> None:
    # given
    issuer = replace(ISSUER, clients={"app": Client(ROLES["till"])})
    # then
    assert granted(issuer, claims(roles=None)).viewer.role == "till"
    assert granted(issuer, claims(roles=["unknown"])).viewer.role == "none"
    assert granted(issuer, claims(roles=None, client_id="other")).viewer.role == "none"


def test_scopes_only_narrow_what_the_role_has() -> None:
    # given
    table = {"orders": frozenset({ORDER_READ}), "all": frozenset({CUSTOMER_READ, CONTACT_READ})}
    mapped = replace(ISSUER, scope_claim=("scope",), scopes=table)
    own = replace(ISSUER, scope_claim=("scp",))
    # then
    assert granted(ISSUER, claims()).viewer.scopes == ROLES["till"].scopes
    assert granted(mapped, claims(scope="orders unknown")).viewer.scopes == {ANY, ORDER_READ}
    assert granted(mapped, claims(scope="all")).viewer.scopes == {ANY, CUSTOMER_READ}
    assert granted(mapped, claims()).viewer.scopes == {ANY}
    assert granted(own, claims(scp=["customer:read", "contact:read", 7])).viewer.scopes == {ANY, CUSTOMER_READ}
    assert granted(mapped, claims(scope="all", roles=[])).viewer.scopes == frozenset()


def test_scopes_narrow_what_a_reason_adds_too() -> None:
    issuer = replace(ISSUER, scope_claim=("scope",))
    assert granted(issuer, claims(roles="help", scope="contact:read")).scopes_with_reason == {CONTACT_READ}
    assert granted(issuer, claims(roles="help", scope="order:read")).scopes_with_reason == frozenset()


def test_sources_are_those_of_the_client_or_of_the_claim() -> None:
    # given
    claimed = replace(ISSUER, sources_claim=("kith_sources",))
    fixed = replace(claimed, clients={"app": Client(sources=frozenset({"till"}))})
    # then
    assert granted(claimed, claims(kith_sources=["web", "app"])).viewer.sources == {"web", "app"}
    assert granted(claimed, claims(kith_sources="web")).viewer.sources == {"web"}
    assert granted(fixed, claims(kith_sources=["crm"])).viewer.sources == {"till"}
    # and a role that needs sources has none without them, never all
    assert granted(claimed, claims()).viewer.sources == frozenset()
    assert granted(ISSUER, claims()).viewer.sources == frozenset()


def test_purposes_are_those_of_the_client_or_of_the_issuer() -> None:
    issuer = replace(ISSUER, purposes=("service", "statistics"), clients={"app": Client(purposes=("checkout",))})
    assert granted(issuer, claims()).viewer.purpose == "checkout"
    other = granted(issuer, claims(client_id="other")).viewer
    assert (other.purposes, other.purpose) == (("service", "statistics"), "service")


@pytest.mark.parametrize(
    ("namespace", "value", "key"),
    [
        (None, {"namespace": "email", "value": "Ann@Example.com"}, "email=ann@example.com"),
        ("login", "ann", "login=ann"),
        ("login", {"namespace": "login", "value": "ann"}, "login=ann"),
        ("login", {"namespace": "email", "value": "ann@example.com"}, None),
        (None, "ann", None),
        (None, {"namespace": "nothing", "value": "ann"}, None),
        (None, {"namespace": "email", "value": "nonsense"}, None),
        (None, {"namespace": ["email"], "value": {}}, None),
        ("login", "app", None),
        ("login", 7, None),
    ],
)
def test_the_subject_is_the_key_of_an_identifier(namespace: str | None, value: object, key: str | None) -> None:
    issuer = replace(ISSUER, subject_claim=("who",), subject_namespace=namespace)
    assert subject(issuer, who=value) == key


@pytest.mark.parametrize(
    ("namespace", "value"),
    [
        ("login", "ann\u200b"),
        ("login", "a\u00adnn"),
        ("login", "\ufeffann"),
        ("login", " ann"),
        ("login", "ann\n"),
        ("login", "ann  lee"),
        ("login", "ann\u00a0lee"),
        ("login", '="ann"'),
        ("login", '"ann"'),
        ("login", "4711.0"),
        ("login", "rene\u0301"),
        ("email", "\u212aim@example.com"),
        ("email", "\uff41nn@example.com"),
        ("loyalty_card", "KC\u0661\u0662\u0663\u0664"),
    ],
)
def test_a_subject_that_cleaning_would_change_is_nobody(namespace: str, value: str) -> None:
    issuer = replace(ISSUER, subject_claim=("who",), subject_namespace=namespace)
    assert subject(issuer, who=value) is None


def test_a_subject_may_have_letters_of_any_script() -> None:
    issuer = replace(ISSUER, subject_claim=("who",), subject_namespace="login")
    assert subject(issuer, who="ren\u00e9") == "login=ren\u00e9"


def test_the_subject_follows_the_rules_in_effect() -> None:
    # given: rules under which an e-mail address keeps its case
    issuer = replace(ISSUER, subject_claim=("who",), subject_namespace="login")
    lower = rules_file.parse('[[namespace]]\nname = "login"\nnormalize = ["lower"]')
    # then
    assert subject(issuer, rules_file.parse('[[namespace]]\nname = "login"'), who="Ann") == "login=Ann"
    assert subject(issuer, lower, who="Ann") == "login=ann"
