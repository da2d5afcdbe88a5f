"""Identifiers in GraphQL."""

from operator import itemgetter
from typing import cast

import strawberry

from graph.domain.access.masking import key_of
from graph.domain.access.scopes import ANY, GRAPH_READ, IDENTIFIER_READ
from graph.domain.model.identifiers import Identifier as DomainIdentifier
from graph.domain.model.rules import DroppedIdentifierCode
from graph.domain.profile.pages import IdentifierView
from schema.shared.context import Info
from schema.shared.derived_fields import Derived
from schema.shared.enums import describe_enum
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp

describe_enum(
    DroppedIdentifierCode,
    "DroppedIdentifierCode",
    "Why an identifier was dropped.",
    BLOCKED="The value is a placeholder that the rules block. E.g. `unknown`.",
    EMPTY="The value is empty after normalization.",
    INVALID="The value does not have the format of its namespace. E.g. an email address without `@`.",
    TOO_SHORT="The value is shorter than the rules allow.",
    TOO_LONG="The value is longer than 500 characters.",
    SUPPRESSED="The person behind it was erased, or must not be stored.",
    EXPIRED="The statement is older than identifiers of the namespace are kept. See `retentionPreview`.",
    CONSENT_REQUIRED="Its namespace needs a consent that is not given at it.",
)

_of_parts, _of_view = Derived[tuple[str, str, str]](), Derived[IdentifierView]()


MASKED_VALUE = (
    "The normalized value. E.g. `ann@example.com`. Masked for a caller without the scope `contact:read`, unless it "
    "sent the value itself in this request. E.g. `a•••@e•••.com`. A masked value is not accepted as an identifier."
)
REFERENCE = (
    "An opaque text that stands for the identifier, equal for equal identifiers. `IdentifierInput.value` accepts it in "
    "place of the value from a caller with the scope `graph:read`. It stays valid. E.g. `ref_…`."
)


@requires(ANY, ref=GRAPH_READ)
@strawberry.type(description="A reference to an identifier: its namespace and normalized value.")
class IdentifierRef:
    """A bare identifier. At run time the value is the identifier's key, split at the first `=`."""

    namespace: str = _of_parts(itemgetter(0), "The kind of identifier. E.g. `email`.")
    value: str = _of_parts(itemgetter(2), MASKED_VALUE)

    @strawberry.field(description=REFERENCE)
    async def ref(self, info: Info) -> str:
        """Return the reference to the identifier."""
        namespace, _, value = cast("tuple[str, str, str]", self)
        return await info.context.graph.reference_to(key_of(DomainIdentifier(namespace, value)))

    @classmethod
    def of(cls, key: str) -> "IdentifierRef":
        """Return a key as its GraphQL type."""
        return cast("IdentifierRef", key.partition("="))


@requires(IDENTIFIER_READ, ref=GRAPH_READ)
@strawberry.type(description="An identifier of a customer, with the evidence for it.")
class Identifier:
    """An identifier of a customer view; at run time the domain's value."""

    namespace: str = _of_view(lambda view: view.identifier.namespace, "The kind of identifier. E.g. `email`.")
    value: str = _of_view(lambda view: view.identifier.value, MASKED_VALUE)

    @strawberry.field(description=REFERENCE)
    async def ref(self, info: Info) -> str:
        """Return the reference to the identifier."""
        return await info.context.graph.reference_to(key_of(cast("IdentifierView", self).identifier))

    first_seen_at: Timestamp | None = _of_view(
        lambda view: None if view.evidence is None else view.evidence.first_seen_at,
        "When a valid observation first mentioned the identifier. Null if only an override mentions it.",
    )
    last_seen_at: Timestamp | None = _of_view(
        lambda view: None if view.evidence is None else view.evidence.last_seen_at,
        "When a valid observation last mentioned the identifier. Null if only an override mentions it.",
    )
    observation_count: int = _of_view(
        lambda view: 0 if view.evidence is None else view.evidence.observation_count,
        "The number of valid observations that mention the identifier.",
    )
    sources: list[str] = _of_view(
        lambda view: () if view.evidence is None else view.evidence.sources,
        "The sources that mentioned the identifier. E.g. `web-shop`.",
    )
    shared: bool = strawberry.field(
        description="Whether so many other identifiers were seen with this one that it does not belong to a single "
        "person. E.g. the device id of a store kiosk. A shared identifier does not link customers."
    )
    blocked: bool = strawberry.field(
        description="Whether a steward blocked the identifier. A blocked identifier does not link customers."
    )

    @classmethod
    def of(cls, view: IdentifierView) -> "Identifier":
        """Return the domain's value as its GraphQL type."""
        return cast("Identifier", view)


@requires(ANY)
@strawberry.type(
    description="An identifier that was left out of an observation. The rest of the observation was accepted."
)
class DroppedIdentifier:
    """A dropped identifier; at run time the domain's value."""

    namespace: str = strawberry.field(description="The kind of identifier. E.g. `email`.")
    value: str = strawberry.field(description="The value as it was sent; a long value is truncated.")
    code: DroppedIdentifierCode = strawberry.field(description="Why the identifier was dropped, for programs.")
    reason: str = strawberry.field(
        description="Why the identifier was dropped, for people. E.g. `is a placeholder that the rules block`."
    )
