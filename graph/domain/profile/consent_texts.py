"""Consent texts: what people see before they decide. A version of a text never changes."""

from collections.abc import Collection

from msgspec import Struct

from graph.domain.model.errors import Problem
from graph.domain.model.validation import check_language, check_text
from graph.domain.profile.consents import MAX_CONSENT_TEXT_LENGTH, check_purpose


class ConsentText(Struct, frozen=True):
    """A version of a text in a language, for one purpose or for all of them (""). `language` may be empty."""

    version: str
    text: str
    language: str = ""
    purpose: str = ""


class RegisteredText(Struct, frozen=True):
    """A registered version: the SHA-256 of its text, when it was registered first (microseconds), and by whom."""

    sha256: str
    language: str
    purpose: str
    recorded_at: int
    recorded_by: str


def check_consent_text(text: ConsentText, purposes: Collection[str]) -> Problem | None:
    """What is wrong with a text; `purposes` are the declared ones."""
    return (
        (check_purpose(text.purpose, purposes) if text.purpose else None)
        or check_text("version", text.version, 100)
        or check_text("text", text.text, MAX_CONSENT_TEXT_LENGTH)
        or (check_language("language", text.language) if text.language else None)
    )
