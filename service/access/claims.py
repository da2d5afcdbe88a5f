"""What the claims of a verified token mean: its caller, and the viewer that it makes."""

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from graph.domain.access.roles import Role
from graph.domain.access.scopes import ANY, EVERY
from graph.domain.access.viewer import Reach, Viewer
from graph.domain.model.cleaning import clean_value
from graph.domain.model.errors import InvalidInput
from graph.domain.model.identifiers import Identifier
from graph.domain.model.observations import Party
from graph.domain.model.rules import Rules
from service.access.access_file import NO_ROLE, SEPARATOR, ClaimPath, Client, Issuer
from service.access.signed_in import SignedIn

Claims = Mapping[str, Any]
MAX_NAME = 255
"""Maximum length of a client's id and of a subject, that of a `sub` in OpenID Connect."""
_NO_CLIENT = Client()


class RefusedToken(Exception):
    """A token is refused. The message contains no value of the token."""


class Subject(Struct, frozen=True):
    """The identifier that a token proves."""

    namespace: str
    value: str


class Granted(Struct, frozen=True):
    """What a token of an issuer grants: everything but what the rules in effect decide."""

    issuer: str
    viewer: Viewer
    scopes_with_reason: frozenset[str]
    subject: Subject | None


def granted(issuer: Issuer, claims: Claims) -> Granted:
    """Return what the verified claims of a token of an issuer grant. Raises `RefusedToken`."""
    client_id = client_of(issuer, claims)
    subject_id = _name(claims.get("sub"), "sub")
    client = issuer.clients.get(client_id, _NO_CLIENT)
    role = _role(issuer, client, claims)
    purposes = issuer.purposes if client.purposes is None else client.purposes
    allowed = _allowed(issuer, claims)
    viewer = Viewer(
        SEPARATOR.join((issuer.issuer, client_id, subject_id)),
        NO_ROLE if role is None else role.name,
        frozenset() if role is None else role.scopes & allowed,
        Reach.NONE if role is None else role.reach,
        sources=_sources(issuer, client, claims, role),
        party=Party.THIRD_PARTY if role is None else role.party,
        purposes=purposes,
        purpose=purposes[0] if purposes else "",
        client=SEPARATOR.join((issuer.issuer, client_id)),
        clerk_segments=None if role is None else role.clerk_segments,
    )
    with_reason = frozenset() if role is None else role.scopes_with_reason & allowed
    return Granted(issuer.issuer, viewer, with_reason, _subject(issuer, claims, client_id))


def client_of(issuer: Issuer, claims: Claims) -> str:
    """Return the id of the client that requested a token. Raises `RefusedToken`."""
    found = next(filter(None, (at(claims, path) for path in issuer.client_claims)), None)
    name = _name(found, "client")
    if SEPARATOR in name:
        # Only the subject may contain it, so that no two callers have one name.
        raise RefusedToken("the id of the client contains a separator")
    return name


def signed_in(grant: Granted, rules: Rules, holds: Callable[[], bool]) -> SignedIn:
    """Return the caller of a token. A subject that the rules do not allow as an identifier proves nothing."""
    viewer = grant.viewer
    if grant.subject is not None:
        with contextlib.suppress(InvalidInput):
            viewer = replace(viewer, subject=_key(grant.subject, rules))
    return SignedIn(viewer, holds, grant.scopes_with_reason)


def _key(subject: Subject, rules: Rules) -> str | None:
    """Return the key of a subject; `None` if another user of the issuer may have the same one.

    Records are cleaned of what people and spreadsheets leave. But an issuer may tell users apart by an invisible
    character, a blank, or a letter that looks like another one; whoever chooses such a name must not become somebody
    else. The steps of the namespace are those of its operator, so they apply, as long as the letters are plain ones.
    Raises `InvalidInput`.
    """
    key = rules.key(subject.namespace, subject.value)
    try:
        is_clean = clean_value(subject.value) == subject.value
    except ValueError:
        is_clean = False
    is_plain = subject.value.isascii() or key == Identifier(subject.namespace, subject.value).key
    return key if is_clean and is_plain else None


def at(claims: Claims, path: ClaimPath) -> Any:
    """Return the value of a claim; `None` if there is none."""
    value: Any = claims
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def texts(value: Any) -> tuple[str, ...]:
    """Return the texts of a claim: one text, or an array of texts."""
    if isinstance(value, str):
        return (value,)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def words(value: Any) -> tuple[str, ...]:
    """Return the texts of a claim in which one text contains several, separated by blanks."""
    return tuple(value.split()) if isinstance(value, str) else texts(value)


def _name(value: Any, what: str) -> str:
    if not isinstance(value, str) or not value or len(value) > MAX_NAME or not value.isprintable():
        raise RefusedToken(f"the {what} is missing or is not a text of 1 to {MAX_NAME} printable characters")
    return value


def _role(issuer: Issuer, client: Client, claims: Claims) -> Role | None:
    """Return the first role of the table that the token names, or the role of the client if it names none at all."""
    named = None if issuer.role_claim is None else at(claims, issuer.role_claim)
    if named is None:
        return client.role
    values = texts(named)
    return next((role for value, role in issuer.roles.items() if value in values), None)


def _allowed(issuer: Issuer, claims: Claims) -> frozenset[str]:
    """Return the scopes that a token allows at most."""
    if issuer.scope_claim is None:
        return EVERY
    values = words(at(claims, issuer.scope_claim))
    if issuer.scopes is None:
        return EVERY.intersection(values) | {ANY}
    return frozenset({ANY}).union(*(issuer.scopes.get(value, ()) for value in values))


def _sources(issuer: Issuer, client: Client, claims: Claims, role: Role | None) -> frozenset[str] | None:
    if client.sources is not None:
        return client.sources
    if issuer.sources_claim is not None:
        return frozenset(texts(at(claims, issuer.sources_claim)))
    # A role that needs sources has none if nothing names them, and not all.
    return None if role is not None and not role.needs_sources else frozenset()


def _subject(issuer: Issuer, claims: Claims, client_id: str) -> Subject | None:
    """Return the identifier that a token proves. A value that is not one proves nothing."""
    value = None if issuer.subject_claim is None else at(claims, issuer.subject_claim)
    namespace: Any = issuer.subject_namespace
    if isinstance(value, dict):
        if namespace is not None and value.get("namespace") != namespace:
            return None
        namespace, value = value.get("namespace"), value.get("value")
    # A client that acts for itself is its own subject.
    if not isinstance(namespace, str) or not isinstance(value, str) or value == client_id:
        return None
    return Subject(namespace, value)
