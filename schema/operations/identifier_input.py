"""An identifier on the way in."""

import strawberry


@strawberry.input(description="An identifier as a caller has it; it is normalised by the rules of its namespace.")
class IdentifierInput:
    """An identifier on the way in."""

    namespace: str = strawberry.field(description="The kind of identifier, one of the rules' namespaces.")
    value: str = strawberry.field(description="The raw value.")
