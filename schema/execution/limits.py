"""What one request may ask for; `service` fills it from the settings."""

from msgspec import Struct


class Limits(Struct, frozen=True):
    """The limits of a request. Each is the most that is allowed."""

    depth: int = 10
    """Levels of fields, introspection aside."""
    aliases: int = 30
    """Fields under another name, or named again in the same selection."""
    directives: int = 50
    """Directives in a document."""
    tokens: int = 2_000
    """Words and signs of a document."""
    page: int = 100
    """Items of a page."""
    cost: int = 50_000
    """Objects that the answer may hold, counted before anything is read; see `schema/costs.py`."""
    seconds: float = 30.0
    """How long one operation may take; then its work in the database is stopped too."""
    introspection: bool = True
    """Whether the schema may be asked for, here and by gateways."""
    federation: bool = True
    """Whether gateways may ask for entities and for the schema."""
    compiled: bool = True
    """Whether documents that were seen before run compiled."""
    details: bool = True
    """Whether errors tell what does not fit the schema, and which names were perhaps meant."""
