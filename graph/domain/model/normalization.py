"""Named steps that normalize a raw value.

A step takes and returns a string. It raises `ValueError` with a short reason if the value cannot be of its kind. The
two libraries used here only compute: no network, no files at run time.
"""

import re
import unicodedata
from collections.abc import Callable

import phonenumbers
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

NormalizationStep = Callable[[str], str]

_NOT_DIGITS = re.compile(r"\D+")
_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")


def _trim(value: str) -> str:
    return value.strip()


def _nfc(value: str) -> str:
    return unicodedata.normalize("NFC", value)


def _digits(value: str) -> str:
    return _NOT_DIGITS.sub("", unicodedata.normalize("NFKC", value))


def _alphanumeric(value: str) -> str:
    return _NOT_ALPHANUMERIC.sub("", value)


_PLAIN_EMAIL = re.compile(
    r"[a-z0-9_+-]{1,32}(?:\.[a-z0-9_+-]{1,15}){0,2}@(?:[a-z0-9](?:[a-z0-9-]{0,40}[a-z0-9])?\.){1,3}[a-z]{2,30}"
)
"""Email addresses that are in normalized form already, as nearly all are."""
_SPECIAL = tuple(f".{name}" for name in SPECIAL_USE_DOMAIN_NAMES)


def _email(value: str) -> str:
    # The library takes 0.15 ms. Of plain addresses it rejects only those with `--` or a special-use domain.
    if _PLAIN_EMAIL.fullmatch(value):
        domain = value[value.index("@") + 1 :]
        if "--" not in domain and not f".{domain}".endswith(_SPECIAL):
            return value
    try:
        return validate_email(value, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise ValueError("is not an email address") from error


def _phone(region: str) -> NormalizationStep:
    def step(value: str) -> str:
        try:
            number = phonenumbers.parse(value, region)
        except phonenumbers.NumberParseException as error:
            raise ValueError("is not a phone number") from error
        if not phonenumbers.is_possible_number(number):
            raise ValueError(f"is not a possible phone number (default country {region})")
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

    return step


_STEPS: dict[str, NormalizationStep] = {
    "trim": _trim,
    "lower": str.lower,
    "upper": str.upper,
    "nfc": _nfc,
    "digits": _digits,
    "alphanumeric": _alphanumeric,
    "email": _email,
}

STEP_NAMES = (*sorted(_STEPS), "phone:XX")
"""The steps that `normalize` in the rules may name; XX is the default country (ISO 3166), as in `phone:DE`."""


def step(name: str) -> NormalizationStep:
    """Return the step with a name; raise `ValueError` for an unknown name or country."""
    if name.startswith("phone:"):
        region = name.removeprefix("phone:")
        if region not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError(f"unknown country {region!r} in {name!r}; use an ISO 3166 code such as DE")
        return _phone(region)
    try:
        return _STEPS[name]
    except KeyError:
        raise ValueError(f"unknown step {name!r}; use one of {', '.join(STEP_NAMES)}") from None
