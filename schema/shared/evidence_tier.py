"""How near a statement is, in GraphQL."""

from graph.domain.model.observations import Tier
from schema.shared.enums import described

__all__ = ["Tier"]

described(
    Tier,
    "Tier",
    "How near the best statement behind a link is; a nearer one beats a farther one.",
    FIRST="A first-party statement.",
    SECOND="A second-party statement.",
    THIRD="A third-party statement.",
    STATISTICAL="A statement with a confidence.",
)
