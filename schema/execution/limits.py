"""The limits of one request; `service` sets them from its settings."""

from msgspec import Struct


class Limits(Struct, frozen=True):
    """The limits of a request. Numbers are inclusive maximums."""

    depth: int = 10
    """Levels of fields. Those of `ofType`, which introspection nests, are not counted."""
    aliases: int = 30
    """Aliased fields, and fields repeated in the same selection."""
    fields: int = 5_000
    """Fields of an operation; those of a fragment are counted each time that it is spread."""
    directives: int = 50
    """Directives in a document."""
    tokens: int = 2_000
    """Lexical tokens of a document."""
    length: int = 100_000
    """Characters of a document. Long texts are sent in variables."""
    values: int = 200_000
    """Values in the variables of a request, those in lists and objects included."""
    page: int = 100
    """Items per page."""
    cost: int = 50_000
    """Cost of an operation, computed before it is executed; see `schema/execution/costs.py`."""
    seconds: float = 30.0
    """Seconds that one operation may take. It is then stopped, including its work in the database."""
    introspection: bool = True
    """Whether introspection is enabled."""
    federation: bool = True
    """Whether gateways may query `_entities` and `_service`."""
    compiled: bool = True
    """Whether documents are compiled from their second run on."""
    details: bool = True
    """Whether errors report what is invalid for the schema and suggest names."""
