"""How ad platforms want the data that they match people by: normalized by rules of their own, and hashed.

Google and Meta hash the same person differently, so neither has a rule of the other. A value that is normalized by a
wrong rule is accepted and matches nobody, without an error. That is why phone numbers are taken in the form E.164 only:
the vendors' libraries make `+030901820` of `030 901820` and hash it.

Google: https://developers.google.com/data-manager/api/devguides/concepts/formatting. Meta:
https://developers.facebook.com/docs/marketing-api/audiences/guides/custom-audiences#hash. Tests compare both with the
vendors' libraries (tools/destinations). Errors are `ValueError` with a reason that does not contain the value.
"""

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from typing import Any

_E164 = re.compile(r"\+[1-9]\d{6,14}")
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_ADVERTISING_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NO_ADVERTISING_ID = "00000000-0000-0000-0000-000000000000"
"""What phones send whose owners do not allow tracking."""
_HASH = re.compile(r"[0-9a-f]{64}")
_GMAIL = ("gmail.com", "googlemail.com")
_POSTAL_CODE = re.compile(r"(?=.*\d)[A-Za-z0-9][A-Za-z0-9 -]{1,14}")
_COUNTRY = re.compile(r"[a-z]{2}")

GOOGLE_ADDRESS = ("givenName", "familyName", "regionCode", "postalCode")
"""The parts of a postal address that Google matches, all of them or none."""
META_FIELDS = ("FN", "LN", "FI", "CT", "ST", "ZIP", "COUNTRY", "GEN", "DOBY", "DOBM", "DOBD")
"""What Meta matches beside an identifier. `DOB`, a whole date of birth, stands for the last three."""


def sha256(text: str) -> str:
    """Return the hash of a normalized value, in hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def email_hash(value: str) -> str:
    """Return the hash that a source sent instead of an email address."""
    if not _HASH.fullmatch(value):
        raise ValueError("is not a SHA-256 hash in hexadecimal digits")
    return value


def advertising_id(value: str) -> str:
    """Return the advertising id of a phone (IDFA or AAID), in lower case."""
    text = value.strip().lower()
    if not _ADVERTISING_ID.fullmatch(text):
        raise ValueError("is not an advertising id: a UUID is required")
    if text == _NO_ADVERTISING_ID:
        raise ValueError("is the advertising id of phones that do not allow tracking")
    return text


def google_email(value: str) -> str:
    """Return an email address as Google hashes it: Gmail ignores dots and everything after a plus sign."""
    text = _email(value)
    user, _, domain = text.rpartition("@")
    if domain not in _GMAIL:
        return text
    mailbox = user.partition("+")[0].replace(".", "")
    if not mailbox:
        raise ValueError("is not an email address")
    return f"{mailbox}@{domain}"


def google_phone(value: str) -> str:
    """Return a phone number as Google hashes it: E.164, with the plus sign."""
    return _phone(value)


def google_name(value: str) -> str:
    """Return a given or family name as Google hashes it; its library keeps punctuation and titles."""
    return _filled(value).lower()


def google_region(value: str) -> str:
    """Return a country code as Google takes it, not hashed: two letters, ISO 3166."""
    return _country(value).upper()


def google_postal_code(value: str) -> str:
    """Return a postal code as Google takes it, not hashed: nothing else may come in its place."""
    text = value.strip()
    if not _POSTAL_CODE.fullmatch(text):
        raise ValueError("is not a postal code")
    return text


def google_address(fields: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the address of `fields` with its names hashed; `None` if a part is missing or not valid.

    Google needs all four parts. Raises `ValueError` that names a field that Google does not match.
    """
    texts = _texts(fields, GOOGLE_ADDRESS, "Google")
    try:
        return {
            "givenName": sha256(google_name(texts.get("givenName", ""))),
            "familyName": sha256(google_name(texts.get("familyName", ""))),
            "regionCode": google_region(texts.get("regionCode", "")),
            "postalCode": google_postal_code(texts.get("postalCode", "")),
        }
    except ValueError:
        return None


def meta_email(value: str) -> str:
    """Return an email address as Meta hashes it: in lower case, otherwise as it is."""
    return _email(value)


def meta_phone(value: str) -> str:
    """Return a phone number as Meta hashes it: calling code and number in digits, without the plus sign."""
    return _phone(value).removeprefix("+")


def meta_fields(fields: Mapping[str, Any]) -> dict[str, str]:
    """Return what Meta matches of `fields`, hashed; values that are empty or that Meta would not match are left out.

    Raises `ValueError` that names a field that Meta does not match.
    """
    texts = _texts(fields, (*META_FIELDS, "DOB"), "Meta")
    if parts := re.match(r"(\d{4})-(\d\d)-(\d\d)", texts.pop("DOB", "")):
        texts |= {"DOBY": parts[1], "DOBM": parts[2], "DOBD": parts[3]}
    hashed = {}
    for name, text in texts.items():
        with suppress(ValueError):
            hashed[name] = sha256(meta_field(name, text))
    return hashed


def meta_field(name: str, value: str) -> str:
    """Return the value of one of `META_FIELDS` as Meta hashes it."""
    text = unicodedata.normalize("NFC", value.strip().lower())
    match name:
        case "FN" | "LN" | "CT" | "ST":
            normalized = _letters(text)
        case "FI":
            normalized = _letters(text)[:1]
        case "ZIP":
            normalized = "".join(text.split()).partition("-")[0]
        case "COUNTRY":
            normalized = _country(text)
        case "GEN":
            normalized = text[:1] if text[:1] in ("m", "f") else ""
        case "DOBY":
            normalized = text if re.fullmatch(r"(?:19|20)\d\d", text) else ""
        case "DOBM":
            normalized = _two_digits(text, 12)
        case "DOBD":
            normalized = _two_digits(text, 31)
        case _:
            raise ValueError(f"{name} is not a field that Meta matches")
    if not normalized:
        raise ValueError(f"{name} has no value that Meta matches")
    return normalized


def _email(value: str) -> str:
    text = value.strip().lower()
    if not _EMAIL.fullmatch(text):
        raise ValueError("is not an email address")
    return text


def _phone(value: str) -> str:
    if not _E164.fullmatch(value):
        # An extension is a line behind a switchboard, which others have too.
        raise ValueError("is not a phone number in the form E.164, such as +4930901820")
    return value


def _country(value: str) -> str:
    text = value.strip().lower()
    if not _COUNTRY.fullmatch(text):
        raise ValueError("a country is two letters (ISO 3166), such as DE")
    return text


def _letters(text: str) -> str:
    """Keep letters and the marks on them; Meta's rules forbid punctuation and allow letters of all languages."""
    return "".join(char for char in text if unicodedata.category(char)[0] in "LM")


def _two_digits(text: str, most: int) -> str:
    return text.zfill(2) if re.fullmatch(r"\d{1,2}", text) and 1 <= int(text) <= most else ""


def _filled(value: str) -> str:
    text = value.strip()
    if not text:
        raise ValueError("is empty")
    return text


def _texts(fields: Mapping[str, Any], known: Sequence[str], vendor: str) -> dict[str, str]:
    """Return the fields that are filled, as text; dates in the form ISO 8601. Lists and whole addresses are no text."""
    if unknown := sorted(set(fields) - set(known)):
        raise ValueError(f"{unknown[0][:60]!r} is not a field that {vendor} matches; these are {', '.join(known)}")
    texts = {
        name: value.isoformat() if isinstance(value, date) else str(value).strip()
        for name, value in fields.items()
        if isinstance(value, str | int | date)
    }
    return {name: text for name, text in texts.items() if text}
