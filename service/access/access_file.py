"""Parse `access.toml`: roles, issuers, policies and budgets. docs/reference/access-file.md describes the file."""

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

from msgspec import Struct, field
from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError

from graph.domain.access.policies import Policies
from graph.domain.access.roles import DEVELOPER, ROLES, Role, Roles
from graph.domain.access.scopes import ANY, EVERY
from graph.domain.access.viewer import Reach
from graph.domain.model.claims import CLAIMED, is_claimed
from graph.domain.model.errors import InvalidInput
from graph.domain.model.observations import MAX_SOURCE_LENGTH, Party
from graph.domain.model.rules import NAMESPACE_NAME
from graph.domain.model.validation import is_name
from service.access.budgets import DEFAULT_BUDGETS, Budget
from service.access.policy_tables import BudgetTable, LabelTables, PolicyTable, budgets_of, policies_of
from service.access.stored_keys import PURPOSE
from service.runtime.addresses import is_safe_address

Algorithm = Literal["ES256", "ES384", "ES512", "EdDSA", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"]
TokenType = Literal["at+jwt", "JWT"]
ClaimPath = tuple[str, ...]
Text = Annotated[str, Field(min_length=1, max_length=500)]
Source = Annotated[str, Field(min_length=1, max_length=MAX_SOURCE_LENGTH)]
Claim = Text | Annotated[list[Text], Field(min_length=1, max_length=10)]
"""The name of a claim, or the names that lead to it in nested objects."""
PARTIES = {"first": Party.FIRST_PARTY, "second": Party.SECOND_PARTY, "third": Party.THIRD_PARTY}
NO_ROLE = "none"
"""What the role of a token without a role is called."""
SEPARATOR = "|"
"""Separates issuer, client and subject in the name of a caller. Only the subject may contain it."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Role(_Strict):
    name: str
    description: Text
    reach: Literal["none", "count", "ids", "self", "own", "held", "found", "any"]
    scopes: list[str]
    scopes_with_reason: list[str] = []
    party: Literal["first", "second", "third"] = "first"
    needs_sources: bool = False


class _Client(_Strict):
    id: Text
    role: str | None = None
    sources: Annotated[list[Source], Field(min_length=1)] | None = None
    purposes: list[Text] | None = None


class _Issuer(_Strict):
    issuer: Text
    audience: Text | Annotated[list[Text], Field(min_length=1)]
    algorithms: Annotated[list[Algorithm], Field(min_length=1)]
    token_types: Annotated[list[TokenType], Field(min_length=1)] = ["at+jwt", "JWT"]
    jwks_uri: Text | None = None
    keys_refresh_seconds: Annotated[StrictInt, Field(ge=1, le=86_400)] = 600
    keys_max_age_seconds: Annotated[StrictInt, Field(ge=1, le=30 * 86_400)] = 86_400
    client_claim: Claim | None = None
    role_claim: Claim | None = None
    roles: dict[str, str] = {}
    scope_claim: Claim | None = None
    scopes: dict[str, list[str]] | None = None
    subject_claim: Claim | None = None
    subject_namespace: str | None = None
    sources_claim: Claim | None = None
    purposes: list[Text] = []
    client: list[_Client] = []


class _File(_Strict):
    role: list[_Role] = []
    issuer: list[_Issuer] = []
    policy: list[PolicyTable] = []
    labels: LabelTables = LabelTables()
    budgets: dict[str, BudgetTable] = {}
    clerk_segments: list[Text] = []


class Client(Struct, frozen=True):
    """What the file says of one client of an issuer. `None` leaves it to the claims and to the issuer."""

    role: Role | None = None
    sources: frozenset[str] | None = None
    purposes: tuple[str, ...] | None = None


class Issuer(Struct, frozen=True):
    """An issuer of tokens: how its tokens are verified, and what their claims mean.

    A claim is the path of names that leads to it. `scopes` is what the values of `scope_claim` allow; `None` if they
    are names of Kith's own scopes.
    """

    issuer: str
    audience: tuple[str, ...]
    algorithms: tuple[str, ...]
    token_types: tuple[str, ...] = ("at+jwt", "JWT")
    jwks_uri: str | None = None
    keys_refresh_seconds: int = 600
    keys_max_age_seconds: int = 86_400
    client_claims: tuple[ClaimPath, ...] = (("client_id",), ("azp",))
    role_claim: ClaimPath | None = None
    roles: dict[str, Role] = {}
    scope_claim: ClaimPath | None = None
    scopes: dict[str, frozenset[str]] | None = None
    subject_claim: ClaimPath | None = None
    subject_namespace: str | None = None
    sources_claim: ClaimPath | None = None
    purposes: tuple[str, ...] = ()
    clients: dict[str, Client] = {}


class AccessFile(Struct, frozen=True):
    """What `access.toml` says: all roles, built-in ones included, the issuers by their name, the policies of purposes,
    and the budgets of look-ups by role."""

    roles: Roles = ROLES
    issuers: dict[str, Issuer] = {}
    policies: Policies = Policies()
    budgets: Mapping[str, Budget] = field(default_factory=lambda: DEFAULT_BUDGETS)


def read(path: Path | None) -> AccessFile:
    """Read a file; without one there are the built-in roles and no issuer. Raises `InvalidInput`."""
    if path is None:
        return AccessFile()
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput("INVALID_SETTING", f"KITH_ACCESS: {path} cannot be read: {error}") from error
    return parse(text, str(path))


def parse(text: str, name: str = "access.toml") -> AccessFile:
    """Parse a TOML text; raise `InvalidInput` that names the file, the key, the value and what is allowed."""
    try:
        file = _File.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput("INVALID_SETTING", f"KITH_ACCESS: {name}: is not TOML: {error}") from error
    except ValidationError as error:
        raise InvalidInput("INVALID_SETTING", f"KITH_ACCESS: {name}: {_describe(error)}") from error
    try:
        roles = Roles(_roles(file.role), frozenset(file.clerk_segments))
        issuers = _issuers(file.issuer, roles)
        return AccessFile(roles, issuers, policies_of(file.policy, file.labels), budgets_of(file.budgets, roles))
    except InvalidInput as error:
        raise InvalidInput(error.code, f"KITH_ACCESS: {name}: {error.message}") from error


def _describe(error: ValidationError) -> str:
    """Describe the first error: its key (tables counted from 1), what is allowed, and the value."""
    first = error.errors()[0]
    places = [part for part in first["loc"] if part not in ("constrained-str", "list[constrained-str]")]
    key = ".".join(str(part + 1 if isinstance(part, int) else part) for part in places)
    if first["type"] == "extra_forbidden":
        return f"{key}: is not a known key"
    value = "" if first["type"] == "missing" else f", not {str(first['input'])[:60]!r}"
    return f"{key}: {first['msg']}{value}"


def _fail(place: str, value: str, allowed: str) -> NoReturn:
    raise InvalidInput("INVALID_SETTING", f"{place}: {value[:60]!r} {allowed}")


def _roles(declared: list[_Role]) -> list[Role]:
    roles: dict[str, Role] = {}
    for number, role in enumerate(declared, 1):
        place = f"role.{number}"
        if not is_name(role.name):
            _fail(f"{place}.name", role.name, "must consist of a-z, 0-9 and _, and begin with a letter")
        if role.name in ROLES or role.name == NO_ROLE:
            _fail(f"{place}.name", role.name, "is the name of a built-in role, which cannot be changed")
        if role.name in roles:
            _fail(f"{place}.name", role.name, "is declared twice")
        scopes = _scopes(f"{place}.scopes", role.scopes) | {ANY}
        with_reason = _scopes(f"{place}.scopes_with_reason", role.scopes_with_reason)
        if role.reach == "own" and not role.needs_sources:
            # Without sources, "own" would be the customers of all sources.
            _fail(f"{place}.reach", role.reach, "requires needs_sources = true")
        roles[role.name] = Role(
            role.name,
            role.description,
            Reach(role.reach),
            scopes,
            with_reason,
            PARTIES[role.party],
            role.needs_sources,
        )
    return list(roles.values())


def _scopes(place: str, names: list[str]) -> frozenset[str]:
    for name in names:
        if name not in EVERY:
            _fail(place, name, f"is not a scope; {', '.join(sorted(EVERY))} are")
    return frozenset(names)


def _issuers(declared: list[_Issuer], roles: Roles) -> dict[str, Issuer]:
    issuers: dict[str, Issuer] = {}
    for number, issuer in enumerate(declared, 1):
        place = f"issuer.{number}"
        _check_issuer(place, issuer, issuers)
        known = {value: _role(f"{place}.roles.{value}", name, roles) for value, name in issuer.roles.items()}
        scopes = None
        if issuer.scopes is not None:
            scopes = {value: _scopes(f"{place}.scopes.{value}", names) for value, names in issuer.scopes.items()}
        claims: dict[str, Any] = {
            name: _path(getattr(issuer, name))
            for name in ("role_claim", "scope_claim", "subject_claim", "sources_claim")
        }
        if issuer.client_claim is not None:
            claims["client_claims"] = (_path(issuer.client_claim),)
        issuers[issuer.issuer] = Issuer(
            issuer.issuer,
            (issuer.audience,) if isinstance(issuer.audience, str) else tuple(issuer.audience),
            tuple(issuer.algorithms),
            tuple(issuer.token_types),
            issuer.jwks_uri,
            issuer.keys_refresh_seconds,
            issuer.keys_max_age_seconds,
            roles=known,
            scopes=scopes,
            subject_namespace=issuer.subject_namespace,
            purposes=tuple(issuer.purposes),
            clients=_clients(place, issuer.client, roles),
            **claims,
        )
    return issuers


def _check_issuer(place: str, issuer: _Issuer, others: Collection[str]) -> None:
    for key, address in (("issuer", issuer.issuer), ("jwks_uri", issuer.jwks_uri)):
        if address is not None and not is_safe_address(address):
            _fail(f"{place}.{key}", address, "must be an https:// address, or http:// of this machine")
    if SEPARATOR in issuer.issuer:
        _fail(f"{place}.issuer", issuer.issuer, f"must not contain {SEPARATOR!r}")
    if issuer.issuer in others:
        _fail(f"{place}.issuer", issuer.issuer, "is declared twice")
    if issuer.keys_max_age_seconds < issuer.keys_refresh_seconds:
        _fail(f"{place}.keys_max_age_seconds", str(issuer.keys_max_age_seconds), "is less than keys_refresh_seconds")
    for name in (*issuer.purposes, *(name for client in issuer.client for name in client.purposes or ())):
        if not PURPOSE.fullmatch(name):
            _fail(f"{place}.purposes", name, "is not a word of lower-case letters, digits, _ and -")
    if bool(issuer.roles) != (issuer.role_claim is not None):
        _fail(f"{place}.role_claim", str(issuer.role_claim), "and the table roles need one another")
    if issuer.scopes is not None and issuer.scope_claim is None:
        _fail(f"{place}.scopes", ", ".join(issuer.scopes), "need scope_claim")
    if issuer.subject_namespace is not None:
        if issuer.subject_claim is None:
            _fail(f"{place}.subject_namespace", issuer.subject_namespace, "needs subject_claim")
        if not NAMESPACE_NAME.fullmatch(issuer.subject_namespace):
            _fail(f"{place}.subject_namespace", issuer.subject_namespace, "cannot be the name of a namespace")


def _role(place: str, name: str, roles: Roles) -> Role:
    if name not in roles.grantable:
        reason = "is for keys in the development profile only" if name == DEVELOPER.name else "is not a role"
        _fail(place, name, f"{reason}; {', '.join(roles.grantable)} are")
    return roles[name]


def _clients(place: str, declared: list[_Client], roles: Roles) -> dict[str, Client]:
    clients: dict[str, Client] = {}
    for number, client in enumerate(declared, 1):
        if client.id in clients:
            _fail(f"{place}.client.{number}.id", client.id, "is declared twice")
        for source in filter(is_claimed, client.sources or ()):
            _fail(
                f"{place}.client.{number}.sources", source, f"ends in {CLAIMED!r}, which Kith adds to what is claimed"
            )
        clients[client.id] = Client(
            None if client.role is None else _role(f"{place}.client.{number}.role", client.role, roles),
            None if client.sources is None else frozenset(client.sources),
            None if client.purposes is None else tuple(client.purposes),
        )
    return clients


def _path(claim: str | list[str] | None) -> ClaimPath | None:
    return (claim,) if isinstance(claim, str) else None if claim is None else tuple(claim)
