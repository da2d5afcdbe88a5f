"""What a company declares about its processing: who it is, and what it processes personal data for (Art. 30 GDPR)."""

from enum import Enum

from msgspec import Struct


class LegalBasis(Enum):
    """Why processing is lawful: the six of Art. 6(1) GDPR."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal_obligation"
    VITAL_INTERESTS = "vital_interests"
    PUBLIC_TASK = "public_task"
    LEGITIMATE_INTERESTS = "legitimate_interests"


ARTICLES = {basis: f"Art. 6(1)({letter})" for basis, letter in zip(LegalBasis, "abcdef", strict=True)}
"""Where the GDPR names each legal basis."""


class Purpose(Struct, frozen=True):
    """A purpose of processing. What is `None` is not declared; an empty list declares that there is none.

    `consent` says whether decisions of people are recorded for it. `retention` says in words how long data is kept.
    """

    name: str
    description: str | None = None
    legal_basis: LegalBasis | None = None
    data_subjects: tuple[str, ...] | None = None
    data_categories: tuple[str, ...] | None = None
    recipients: tuple[str, ...] | None = None
    transfers: tuple[str, ...] | None = None
    retention: str | None = None
    consent: bool = True


REQUIRED = ("description", "legal_basis", "data_subjects", "data_categories", "recipients", "retention")
"""What a record of processing has to say of each purpose. Transfers are stated where there are any."""


class Controller(Struct, frozen=True):
    """Who decides what personal data is processed for, and how it can be reached. `None` is not declared."""

    name: str | None = None
    contact: str | None = None
    joint_controllers: tuple[str, ...] | None = None
    representative: str | None = None
    data_protection_officer: str | None = None


class Processing(Struct, frozen=True):
    """What attributes.toml declares about the processing."""

    controller: Controller = Controller()
    purposes: tuple[Purpose, ...] = ()
