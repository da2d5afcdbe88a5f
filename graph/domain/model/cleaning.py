"""The cleaning of text that comes before all rules, the same for every namespace and every attribute.

`clean` changes only what is invisible: composed and decomposed letters, invisible characters, kinds of whitespace.
`clean_value` also undoes what spreadsheets do to values, or reports why it cannot.
"""

import re
import unicodedata

_INVISIBLE = frozenset("\u034f\u17b4\u17b5\u180b\u180c\u180d\u180f") | frozenset(
    chr(code) for code in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
)
"""Characters that Unicode calls default ignorable, beside those of the categories Cf and Cc."""
_BLANK_LETTERS = str.maketrans(dict.fromkeys("\u115f\u1160\u2800\u3164\uffa0", " "))
"""Letters and symbols without ink, such as the Hangul filler: names consist of them to look empty."""

MAX_EXACT_DIGITS = 15
"""Digits of a number that a spreadsheet, and every other program that computes with doubles, keeps exactly."""

_SUSPECT_START = frozenset("=#'\"Ee")
_SUSPECT_END = re.compile(r"[.,eE] ?[+-]?\d{1,3}\Z")
_SUSPECT_END_LENGTH = 6
"""Values that could be damaged begin or end like this, and others do too."""
_WRAPPED = re.compile(r"""=?"+([^"]*)"+|'([\d+=-][^']*)'?|=(\+?\d+)""")
"""A value that is marked as text for spreadsheets: `="0012"`, `"0012"`, `'0012`; or a number as a formula: `=12`."""
_QUOTED = re.compile(r"'+([^']*)'*")
"""An identifier in apostrophes, or with the one that marks text in spreadsheets."""
_FORMULA = re.compile(r"=\$?[\w.]+[($&+*/-].*|=\$?[A-Z]{1,3}\$?\d+")
_TEMPLATE = re.compile(r"\{\{.*\}\}|[$#]\{.*\}|%%.+%%|\*\|.*\|\*|\[object .*\]|<%.*%>", re.IGNORECASE)
"""What templates and scripts leave; of identifiers, `blocked` in the rules decides."""
_ERROR_CELL = re.compile(r"#[¡¿]?[\w/]{2,20}[!?]|#N/A|#N/D|#NV|#+|err:\d+", re.IGNORECASE)
"""The errors of Excel, Google Sheets and LibreOffice in the languages of the Latin alphabet, and a narrow column."""
_SCIENTIFIC = re.compile(r"[+-]?\d(?:[.,]\d+ ?E ?[+-]?\d{1,3}|E[+-]\d{1,3})", re.IGNORECASE)
_MONTH = (
    "jan(?:uary|uar)?|feb(?:ruary|ruar)?|mar(?:ch)?|märz?|mrz|apr(?:il)?|may|mai|june?|juni?|july?|juli?|aug(?:ust)?|"
    "sept?(?:ember)?|o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?"
)
_DATE_CELL = re.compile(
    r"\d{4}-\d\d-\d\d[T ]00:00:00(?:\.0+)?|"
    rf"\d{{1,2}}[-. ]{{1,2}}(?:{_MONTH})\.?(?:[- ]\d\d(?:\d\d)?)?",
    re.IGNORECASE,
)
"""What spreadsheets make of `3-1` and `1/3`."""
_FLOAT = re.compile(r"(?P<cell>(?P<prefix>[^\d.,]*)(?P<digits>\d+))[.,]00?")
_SEPARATED = re.compile(r"(?:[^\W\d_]*[-_#/:+])?")
"""What may precede a number for it to be a number of its own: nothing, or letters and a separator (`C-`)."""


def _is_invisible(char: str) -> bool:
    return char != "\0" and (unicodedata.category(char) in ("Cf", "Cc") or char in _INVISIBLE)


def clean(text: str) -> str:
    """Return a text in Unicode's form NFC, without invisible characters, with single plain blanks between words only.

    Invisible are format characters (Cf: zero width, directions, byte order mark, soft hyphen), other characters that
    Unicode calls default ignorable, and control characters. NUL stays, for the check that rejects it.
    """
    if text.isascii() and text.isprintable():
        return " ".join(text.split()) if " " in text else text
    visible = "".join(char for char in text if char.isspace() or not _is_invisible(char))
    return " ".join(unicodedata.normalize("NFC", visible).translate(_BLANK_LETTERS).split())


def clean_value(text: str, is_identifier: bool = True) -> str:
    """Return a cleaned text without the marks that spreadsheets leave: `="0012"` is `0012`, `4711.0` is `4711`.

    Of identifiers, a number after a prefix is restored too (`C-4711.0` is `C-4711`); other texts may be a title such as
    `Web-2.0`. Raises `ValueError` with the reason if the original value cannot be known: scientific notation, a number
    with more than 15 digits and a decimal point, formulas, error cells.
    """
    value = clean(text)
    if not is_identifier and _TEMPLATE.fullmatch(value):
        raise ValueError("is what a template left")
    if is_identifier and value[:1].isdigit() and _DATE_CELL.fullmatch(value):
        raise ValueError("is a date: a spreadsheet has changed the value")
    while value[:1] in _SUSPECT_START or _SUSPECT_END.search(value[-_SUSPECT_END_LENGTH:]):
        wrapped = _WRAPPED.fullmatch(value) or (_QUOTED.fullmatch(value) if is_identifier else None)
        if wrapped:
            value = clean(next(part for part in wrapped.groups() if part is not None))
            continue
        if _FORMULA.fullmatch(value) or (is_identifier and value[0] == "="):
            raise ValueError("is a spreadsheet's formula")
        if _ERROR_CELL.fullmatch(value):
            raise ValueError("is a spreadsheet's error")
        if _SCIENTIFIC.fullmatch(value):
            raise ValueError("is in scientific notation: a spreadsheet has cut off digits")
        number = _FLOAT.fullmatch(value)
        if number is None or (not is_identifier and number["prefix"]):
            return value
        if not _SEPARATED.fullmatch(number["prefix"]):
            if is_identifier and number["prefix"][-1:].isalpha():
                raise ValueError("ends in a decimal fraction, as if a spreadsheet had made a number of it")
            return value
        if len(number["digits"].lstrip("0")) > MAX_EXACT_DIGITS:
            raise ValueError(f"has more than {MAX_EXACT_DIGITS} digits: a spreadsheet has rounded the number")
        value = number["cell"]
    return value


def plain_width(text: str) -> str:
    """Return a text with full-width and half-width characters in their plain form, and every script's digits as 0-9."""
    return text if text.isascii() else "".join(map(_plain, text))


def _plain(char: str) -> str:
    digit = unicodedata.decimal(char, None)
    if digit is not None:
        return str(digit)
    kind, _, code = unicodedata.decomposition(char).partition(" ")
    return chr(int(code, 16)) if kind in ("<wide>", "<narrow>") and " " not in code else char
