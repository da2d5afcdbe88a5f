"""Phone numbers as people write them, and their form E.164.

`phonenumbers` (Google's libphonenumber) reads numbers. It makes digits of letters and takes dates and postal codes for
numbers, so what surrounds a number is judged here first. Forms: https://www.itu.int/rec/T-REC-E.164 and RFC 3966.
"""

import re

import phonenumbers

from graph.domain.model.cleaning import plain_width

MIN_DIGITS = 7
"""Digits of a number without `+`: shorter ones are service numbers, extensions and postal codes.

Small countries without a trunk prefix have shorter numbers; there the numbering plan alone decides.
"""
MAX_DIGITS = 15
"""Digits of a number with its calling code (E.164)."""

_WORDS = (
    "tel|telefon|telephone|telefono|téléphone|teléfono|phone|fon|fone|mobil|mobile|mob|handy|cell|m|t|p|privat|private|"
    "home|work|office|büro|dienstlich|geschäftlich|whatsapp|nr|no|number|nummer"
)
_EXTENSION = (
    r";ext=|extension|ext(?:n)?\b\.?|x|#|~|durchwahl|dw\b\.?|nst\b\.?|nebenstelle|app(?:arat)?\b\.?|poste|int(?:erno)?\b\.?|"
    r"anexo|доб\.?"
)
_TEXT = re.compile(
    rf"(?P<label>(?:(?:{_WORDS})\b[.:\s-]*)*)"
    r"(?P<number>\+?[\d(][\d\s()/.\-\u2010-\u2015\u2212\u30fc]*)"
    rf"(?:(?:{_EXTENSION})\s*[:.]?\s*(?P<extension>\d{{1,7}})\b)?"
    r"(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_NOTE = re.compile(r"[\s,;(/\-]+[^\W\d_]\D*")
"""A note behind a number begins with a letter after a blank or punctuation, and has no digits."""
_MONEY = re.compile(r"(?i)[\s.,-]*(?:eur|euro|usd|dollar|gbp|chf|franken|pln)\b.*")
_DATE = re.compile(
    r"(?:(?:0?[1-9]|[12]\d|3[01])[./-](?:0?[1-9]|1[0-2])|(?:0?[1-9]|1[0-2])[./-](?:0?[1-9]|[12]\d|3[01]))[./-](?:19|20)?\d\d"
    r"|(?:19|20)\d\d[-/.](?:0?[1-9]|1[0-2])[-/.](?:0?[1-9]|[12]\d|3[01])"
)
_COMPACT_DATE = re.compile(
    r"(?:19\d\d|20[0-3]\d)[ .-]?(?:0[1-9]|1[0-2])[ .-]?(?:0[1-9]|[12]\d|3[01])"
    r"(?:[ .-]?[0-2]\d[ .-]?[0-5]\d(?:[ .-]?[0-5]\d)?)?"
)
"""A date without separators, or with a time of day: in countries with a trunk prefix it is not a number."""
_E164 = re.compile(r"\+[1-9]\d{7,14}")
"""Numbers that are in normalized form already, as many are."""
_SEPARATE_PLUS = re.compile(r"\A\+\s+")
_BRACKETED_CODE = re.compile(r"\A\(?\+\s*(\d+)\)")
_BRACKETED_TRUNK_PREFIX = re.compile(r"\A(\+(?!39)\d{1,3})\s*\(0\)")
"""The trunk prefix in brackets after the calling code, also of countries without one; Italian numbers keep it."""
_DECIMAL = re.compile(r"\d+\.\d{1,2}")
_ZIP = re.compile(r"\d{5}-\d{4}")
_LAST_GROUP = re.compile(r"(?P<before>.*\d)(?P<separator>\D+)\d+\D*")
_MEXICAN = re.compile(r"(?:01|044|045)?1?([2-9]\d{9})")
"""Mexico dropped its prefixes in 2019: 01 before the area code, 044 and 045 for mobile phones, 1 after +52."""
_ARGENTINE_MOBILE = re.compile(r"9(\d{10})")
"""Argentine mobile phones have a 9 after +54 only when called from abroad."""


def region_of(country: str) -> str:
    """Return the region of a country, given as an ISO 3166 code or a calling code such as +41; raises `ValueError`."""
    region = country.upper()
    if country.startswith("+") and country[1:].isdecimal():
        region = phonenumbers.region_code_for_country_code(int(country[1:]))
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(f"has the unknown country {country!r}; use an ISO 3166 code such as DE")
    return region


def normalize_phone(value: str, region: str, accept_possible: bool = False) -> str:
    """Return a number in the form E.164, with its extension as in RFC 3966: `+14155550132;ext=7`.

    A number without `+` is read in `region`. A note without digits behind the number is cut off. Raises `ValueError`
    with the reason if the value is not a number that can be dialed; with `accept_possible`, its length is enough.
    """
    if _E164.fullmatch(value) and (e164 := _format(_parse(value, region), accept_possible)) is not None:
        return e164
    text = plain_width(value).strip(" ;,").removeprefix("tel:").lstrip()
    text = _BRACKETED_CODE.sub(r"+\1 ", _SEPARATE_PLUS.sub("+", text))
    text = _BRACKETED_TRUNK_PREFIX.sub(r"\1 ", text)
    match = _TEXT.fullmatch(text)
    if match is None:
        raise ValueError("is not a phone number")
    number, rest = match["number"], match["rest"]
    _check_number(number.strip(), region)
    _check_note(text[: match.start("rest")][-1:], rest)
    _check_last_group(number, has_note=bool(rest.strip(" .)")), region=region)
    digits = sum(char.isdecimal() for char in number)
    if digits < MIN_DIGITS and not number.startswith("+") and _has_trunk_prefix(region):
        raise ValueError(f"has {digits} digits; phone numbers have {MIN_DIGITS} or more")
    e164 = _format(_parse(number, region), accept_possible)
    if e164 is None:
        raise ValueError(f"is not a valid phone number (default country {region})")
    if len(e164) > 1 + MAX_DIGITS:
        raise ValueError(f"has more than {MAX_DIGITS} digits with its calling code")
    return e164 if match["extension"] is None else f"{e164};ext={match['extension']}"


def _format(parsed: phonenumbers.PhoneNumber, accept_possible: bool) -> str | None:
    """Return a number in the form E.164, `None` if it cannot be dialed."""
    if not (phonenumbers.is_possible_number if accept_possible else phonenumbers.is_valid_number)(parsed):
        return None
    e164: str = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return e164


def _check_number(number: str, region: str) -> None:
    if _DATE.fullmatch(number) or (_has_trunk_prefix(region) and _COMPACT_DATE.fullmatch(number)):
        raise ValueError("is a date, not a phone number")
    if _ZIP.fullmatch(number):
        raise ValueError("is a postal code, not a phone number")
    if _DECIMAL.fullmatch(number):
        raise ValueError("is an amount, not a phone number")


def _check_note(boundary: str, note: str) -> None:
    """Check what follows a number, whose last character is `boundary`: a separator may have been read as part of it."""
    if _MONEY.fullmatch(note):
        raise ValueError("is an amount, not a phone number")
    if note.strip(" .)") and not _NOTE.fullmatch(note if boundary.isdecimal() else boundary + note):
        raise ValueError("has a note that may be part of the number")


def _check_last_group(number: str, has_note: bool, region: str) -> None:
    """Check that the last digits belong to the number: in `030 123456 (2. floor)` they belong to the note."""
    match = _LAST_GROUP.fullmatch(number)
    if match is None or not (has_note or "(" in match["separator"] or "/" in match["separator"]):
        return
    before = match["before"]
    if sum(char.isdecimal() for char in before) >= MIN_DIGITS and phonenumbers.is_valid_number(_parse(before, region)):
        raise ValueError("has a note that may be part of the number")


def _has_trunk_prefix(region: str) -> bool:
    return bool(phonenumbers.ndd_prefix_for_region(region, True))


def _parse(number: str, region: str) -> phonenumbers.PhoneNumber:
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        raise ValueError("is not a phone number") from None
    if parsed.country_code in (52, 54):
        return _without_former_prefix(parsed)
    if number.startswith("+"):
        return parsed
    plain = "".join(char for char in number if char.isdecimal())
    if plain.startswith("00") and not phonenumbers.is_valid_number(parsed):
        # Europe's prefix of international calls, in a country that has another one.
        return _international(plain.lstrip("0")) or parsed
    # A number without `+` that begins with the calling code. Where national numbers begin with a trunk prefix, one
    # without it that is valid behind the calling code is an international number: exports lose the `+`.
    calling_code = str(phonenumbers.country_code_for_region(region))
    trunk = phonenumbers.ndd_prefix_for_region(region, True)
    if trunk and plain.startswith(calling_code) and not plain.startswith(trunk):
        return _international(plain) or parsed
    return parsed


def _international(digits: str) -> phonenumbers.PhoneNumber | None:
    """Return the number that begins with its calling code, `None` if there is no such valid number."""
    try:
        parsed = phonenumbers.parse(f"+{digits}", None)
    except phonenumbers.NumberParseException:
        return None
    return parsed if phonenumbers.is_valid_number(parsed) else None


def _without_former_prefix(parsed: phonenumbers.PhoneNumber) -> phonenumbers.PhoneNumber:
    national = phonenumbers.national_significant_number(parsed)
    pattern = _MEXICAN if parsed.country_code == 52 else _ARGENTINE_MOBILE
    if folded := pattern.fullmatch(national):
        return _international(f"{parsed.country_code}{folded[1]}") or parsed
    return parsed
