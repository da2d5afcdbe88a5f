"""Identifiers as clients send them."""

import strawberry


@strawberry.input(description="An identifier. Its value is normalized by the rules of its namespace.")
class IdentifierInput:
    """An identifier as a client sends it."""

    namespace: str = strawberry.field(
        description="The kind of identifier: a namespace that is configured in the rules. E.g. `email`."
    )
    value: str = strawberry.field(description="The value, normalized or not. E.g. `Ann@Example.com`.")
