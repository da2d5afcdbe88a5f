"""Data that a policy or an objection withholds, in GraphQL."""

from enum import Enum

import strawberry

from graph.domain.access.scopes import CUSTOMER_READ
from graph.domain.model.labels import Label
from schema.shared.enums import describe_enum
from schema.shared.required_scopes import requires

describe_enum(
    Label,
    "DataLabel",
    "What data is. Policies in access.toml say for which purposes it needs consent.",
    DIRECT_IDENTIFIER="It names a person. E.g. a name, or the number of a loyalty card.",
    CONTACT="A person can be reached by it. E.g. an email address.",
    BEHAVIOR="What a person did: interactions, and the cookies and devices by which the person was seen.",
    PROFILING="What is computed about a person: scores, predictions, the stage of the journey, habits, favorites, "
    "segments.",
    SENSITIVE="What access.toml declares to be sensitive.",
    THIRD_PARTY="What others say about a person: memberships in external segments.",
    CONTRACT="What a contract requires: orders.",
)


class WithheldReason(Enum):
    """Why data is withheld."""

    CONSENT_MISSING = "consent_missing"
    OBJECTION = "objection"


describe_enum(
    WithheldReason,
    "WithheldReason",
    "Why data is left out.",
    CONSENT_MISSING="The purpose of the request needs a consent that the customer did not give.",
    OBJECTION="The customer objects to profiling: it refused a purpose that attributes.toml declares to be profiling, "
    "or withdrew it.",
)


@requires(CUSTOMER_READ)
@strawberry.type(description="Data of a customer that is left out for lack of consent, or because it objects.")
class WithheldData:
    """Withheld data in GraphQL."""

    label: Label = strawberry.field(description="What the data is.")
    consent: str = strawberry.field(
        description="The purpose for which the customer would have to give consent. E.g. `newsletter`."
    )
    reason: WithheldReason = strawberry.field(description="Why the data is left out.")
