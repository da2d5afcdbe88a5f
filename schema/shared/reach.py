"""The enum of reaches, which several types have."""

from graph.domain.access.viewer import Reach
from schema.shared.enums import describe_enum

__all__ = ["Reach"]

describe_enum(
    Reach,
    "Reach",
    "Which customers a caller may see.",
    NONE="No customer.",
    COUNT="Numbers of customers, and no customer.",
    IDS="Customers by their ids, which the feed of changes names.",
    SELF="The customer that the token names as its subject; without a subject, the facts of one cookie or device.",
    OWN="Customers that the caller's own sources named, and of them what these sources sent.",
    HELD="A customer of which the caller presents a strong identifier.",
    FOUND="As `HELD`, and customers that a search returned.",
    ANY="Every customer.",
)
