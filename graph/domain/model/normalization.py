"""Named steps that normalize a cleaned value (`cleaning.py`).

A step takes and returns a string. It raises `ValueError` with a short reason if the value cannot be of its kind. The
libraries used here only compute: no network, no files at run time.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Callable

import phonenumbers
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from graph.domain.model.cleaning import clean_value, plain_width
from graph.domain.model.phone_numbers import normalize_phone

VERSION = "2"
"""Changes whenever the cleaning, a step or a comparison of guarded values gives another result for the same value: then
stores are reprocessed."""

NormalizationStep = Callable[[str], str]

EMAIL = "email"
PHONE = "phone:"
"""The beginning of the names of steps that read a phone number."""
POSSIBLE = ":possible"
"""The end of the names of phone steps for which the length of a number is enough."""

_NOT_DIGITS = re.compile(r"\D+")
_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")
_FRACTION = re.compile(r".*\d[.,](?:\d{1,2}|0+)")
_DATE_OR_TIME = re.compile(
    r".*\d:\d\d.*|\d{4}[-/.]\d\d?[-/.]\d\d?|(?:0?[1-9]|[12]\d|3[01])[-/.](?:0?[1-9]|1[0-2])[-/.](?:19|20)\d\d"
)


def _trim(value: str) -> str:
    return value.strip()


def _nfc(value: str) -> str:
    return unicodedata.normalize("NFC", value)


def _lower(value: str) -> str:
    return value.lower() if value.isascii() else _nfc(value.lower())


def _upper(value: str) -> str:
    return value.upper() if value.isascii() else _nfc(value.upper())


def _whole(value: str) -> str:
    """Return a value in plain width if it is whole: fractions and dates would be other numbers without punctuation."""
    text = plain_width(value)
    if _FRACTION.fullmatch(text):
        raise ValueError("is a number with a fraction")
    if _DATE_OR_TIME.fullmatch(text):
        raise ValueError("is a date or a time")
    return text


def _digits(value: str) -> str:
    return _NOT_DIGITS.sub("", _whole(value))


def _alphanumeric(value: str) -> str:
    return _NOT_ALPHANUMERIC.sub("", _whole(value))


_PLAIN_EMAIL = re.compile(
    r"[a-z0-9_+-]{1,32}(?:\.[a-z0-9_+-]{1,15}){0,2}@(?:[a-z0-9](?:[a-z0-9-]{0,40}[a-z0-9])?\.){1,3}[a-z]{2,30}"
)
"""Email addresses that are in normalized form already, as nearly all are."""
_SPECIAL = tuple(f".{name}" for name in SPECIAL_USE_DOMAIN_NAMES)
_NAMED_EMAIL = re.compile(r"[^<>]*<\s*([^<>]*?)\s*>")
"""A display name and an address in angle brackets (RFC 5322, 3.4), with any text as the name."""


def _email(value: str) -> str:
    # The library takes 0.15 ms. Of plain addresses it rejects only those with `--` or a special-use domain.
    if _PLAIN_EMAIL.fullmatch(value):
        domain = value[value.index("@") + 1 :]
        if "--" not in domain and not f".{domain}".endswith(_SPECIAL):
            return value
    address = plain_width(value).strip(" ,;")
    if named := _NAMED_EMAIL.fullmatch(address):
        address = named[1]
    if address[:7].lower() == "mailto:":
        address = address[7:].partition("?")[0]
    try:
        # In lower case: no mail service of today distinguishes addresses by case. Domains become Unicode (IDNA 2008).
        return _lower(validate_email(address.rstrip("."), check_deliverability=False).normalized)
    except EmailNotValidError as error:
        raise ValueError("is not an email address") from error


def _gmail(value: str) -> str:
    """Gmail ignores dots and everything after a plus sign; googlemail.com is the same as gmail.com."""
    local, at, domain = value.rpartition("@")
    if domain not in ("gmail.com", "googlemail.com"):
        return value
    mailbox = local.partition("+")[0].replace(".", "")
    if not mailbox:
        raise ValueError("is not a Gmail address")
    return f"{mailbox}{at}gmail.com"


_HEX_DIGEST = re.compile(r"[0-9a-f]{64}")


def _sha256(value: str) -> str:
    digest = value.lower()
    if not _HEX_DIGEST.fullmatch(digest):
        raise ValueError("is not a SHA-256 digest: 64 hexadecimal digits are required")
    return digest


_PORT = re.compile(r"\[([^\]]*)\](?::\d{1,5})?|([\d.]+):\d{1,5}")
_RESERVED = (ipaddress.ip_network("0.0.0.0/8"), ipaddress.ip_network("240.0.0.0/4"))
_PRIVATE = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10")
_PRIVATE_NETWORKS = tuple(map(ipaddress.ip_network, _PRIVATE))
"""Addresses inside networks (RFC 1918, 4193, 6598, 3879): strangers in different networks have the same ones."""


def _ip(value: str) -> str:
    text = value
    if port := _PORT.fullmatch(text):
        text = port[1] or port[2]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        raise ValueError("is not an IP address") from None
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    is_special = address.is_unspecified or address.is_loopback or address.is_link_local or address.is_multicast
    if is_special or any(address in network for network in _RESERVED if network.version == address.version):
        raise ValueError("is not the IP address of one connection")
    if any(address in network for network in _PRIVATE_NETWORKS if network.version == address.version):
        raise ValueError("is an IP address of a private network, which others use too")
    return str(address)


_MAC = re.compile(
    r"[0-9a-f]{2}(?:([:-])[0-9a-f]{2})(?:\1[0-9a-f]{2}){4}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}", re.IGNORECASE
)


def _mac(value: str) -> str:
    """Return a MAC address as twelve hexadecimal digits, and every other value unchanged."""
    return re.sub("[:.-]", "", value).lower() if _MAC.fullmatch(value) else value


def _order(value: str) -> str:
    number = clean_value(value.lstrip("# "))
    return number if number == value else _order(number)


def _phone(region: str, accept_possible: bool) -> NormalizationStep:
    return lambda value: normalize_phone(value, region, accept_possible)


_STEPS: dict[str, NormalizationStep] = {
    "trim": _trim,
    "lower": _lower,
    "upper": _upper,
    "nfc": _nfc,
    "digits": _digits,
    "alphanumeric": _alphanumeric,
    EMAIL: _email,
    "gmail": _gmail,
    "sha256": _sha256,
    "ip": _ip,
    "mac": _mac,
    "order": _order,
}

STEP_NAMES = (*sorted(_STEPS), "phone:XX", "phone:XX:possible")
"""The steps that `normalize` in the rules may name; XX is the default country (ISO 3166), as in `phone:DE`."""


def step(name: str, region: str = "") -> NormalizationStep:
    """Return the step with a name; raise `ValueError` for an unknown name or country.

    A phone step reads numbers in `region` (ISO 3166), if it is given, instead of in its own country.
    """
    if name.startswith(PHONE):
        country = name.removeprefix(PHONE).removesuffix(POSSIBLE)
        if country not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError(f"unknown country {country!r} in {name!r}; use an ISO 3166 code such as DE")
        return _phone(region or country, name.endswith(POSSIBLE))
    try:
        return _STEPS[name]
    except KeyError:
        raise ValueError(f"unknown step {name!r}; use one of {', '.join(STEP_NAMES)}") from None
