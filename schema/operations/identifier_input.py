"""Identifiers as clients send them."""

import strawberry

from graph.domain.model.rules import with_country


@strawberry.input(description="An identifier. Its value is normalized by the rules of its namespace.")
class IdentifierInput:
    """An identifier as a client sends it."""

    namespace: str = strawberry.field(
        description="The kind of identifier: a namespace that is configured in the rules. E.g. `email`."
    )
    value: str | None = strawberry.field(
        default=None,
        description="The value, normalized or not. E.g. `Ann@Example.com`. Queries and decisions of stewards accept a "
        "`ref` in its place. Null is dropped like an empty text.",
    )
    country: str | None = strawberry.field(
        default=None,
        description="The country in which a phone number without a calling code is read: an ISO 3166 code or a calling "
        "code such as `+41`. Without it, the country of the source, or else of the namespace, in the rules. Other "
        "namespaces ignore it. E.g. `CH`.",
    )

    @property
    def raw(self) -> str:
        """The value with its country, as the rules read it."""
        return with_country(self.value or "", self.country or "")
