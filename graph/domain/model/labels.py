"""Labels: what data is, so that a policy can name it."""

from collections.abc import Mapping
from enum import Enum


class Label(Enum):
    """What data is."""

    DIRECT_IDENTIFIER = "direct_identifier"
    """It names a person: a name, a card, a customer number."""
    CONTACT = "contact"
    """A person can be reached by it: an email address, a phone number, a postal address."""
    BEHAVIOR = "behavior"
    """What a person did: interactions, and the cookies and devices by which they were seen."""
    PROFILING = "profiling"
    """What is computed about a person: scores, predictions, the stage of the journey, segments."""
    SENSITIVE = "sensitive"
    """What the company declares to be sensitive."""
    THIRD_PARTY = "third_party"
    """What others say about a person: memberships in external segments."""
    CONTRACT = "contract"
    """What a contract requires: orders."""


NAMESPACES: Mapping[str, frozenset[Label]] = {
    "email": frozenset({Label.CONTACT}),
    "hashed_email": frozenset({Label.CONTACT}),
    "phone": frozenset({Label.CONTACT}),
    "crm_id": frozenset({Label.DIRECT_IDENTIFIER}),
    "loyalty_card": frozenset({Label.DIRECT_IDENTIFIER}),
    "login": frozenset({Label.DIRECT_IDENTIFIER}),
    "cookie": frozenset({Label.BEHAVIOR}),
    "device": frozenset({Label.BEHAVIOR}),
    "ip": frozenset({Label.BEHAVIOR}),
    "payment_token": frozenset({Label.SENSITIVE}),
    "order": frozenset({Label.CONTRACT}),
}
"""The labels of namespaces that access.toml does not label."""
ATTRIBUTES: Mapping[str, frozenset[Label]] = {
    "name": frozenset({Label.DIRECT_IDENTIFIER}),
    "given_name": frozenset({Label.DIRECT_IDENTIFIER}),
    "family_name": frozenset({Label.DIRECT_IDENTIFIER}),
    "birth_date": frozenset({Label.DIRECT_IDENTIFIER}),
    "address": frozenset({Label.CONTACT}),
}
"""The labels of attributes that access.toml does not label."""
