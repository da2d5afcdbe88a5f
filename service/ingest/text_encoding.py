"""Find the encoding of a text file: from its first bytes, and from whether it is valid UTF-8."""

import codecs
import re
from pathlib import Path

from msgspec import Struct

from graph.domain.model.errors import InvalidInput

CHUNK_BYTES = 1 << 20
FALLBACK = "cp1252"
"""Western European Windows, which spreadsheets export if nobody chooses UTF-8. It has every letter of Latin-1."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks; those of UTF-32 begin like those of UTF-16."""
_MULTI_BYTE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}",
)
"""A letter beyond ASCII in UTF-8, which no text in another encoding contains by chance for long."""
_MAX_CHANCE = 10
"""Lines with letters in another encoding for each of which valid UTF-8 may be there by chance, once."""
_VALID_CHUNK = 1_000
"""The lines with letters that a valid part of a file counts as."""
_NAMES = {"utf-8": "UTF-8", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "utf-32-le": "UTF-32", "utf-32-be": "UTF-32"}
_LINE_BREAK = b"\n"
_NOT_OF_FILES = frozenset(
    {"idna", "punycode", "raw-unicode-escape", "raw_unicode_escape", "unicode-escape", "unicode_escape", "utf-7"}
)
"""Encodings that Python has for other purposes."""


class Encoding(Struct, frozen=True):
    """The encoding of a file, the length of its byte order mark, and what to say about it."""

    name: str
    mark: int
    finding: str

    @property
    def is_utf8(self) -> bool:
        """Whether the bytes of a line are UTF-8, except in lines that are broken."""
        return self.name == "utf-8"


def find_encoding(path: Path, chosen: str = "") -> Encoding:
    """Return the encoding of a file, or the chosen one. Raises `InvalidInput` if the chosen one is not known.

    A file with bytes that are not UTF-8 is cp1252 if (nearly) no letter in it is valid UTF-8; else they are mistakes.
    """
    with path.open("rb") as file:
        start = file.read(4096)
    marked = next(((mark, name) for mark, name in _MARKS if start.startswith(mark)), None)
    if chosen:
        name = _known(path, chosen, start)
        mark = next((mark for mark, marked_name in _MARKS if start.startswith(mark) and marked_name == name), b"")
        return Encoding(name, len(mark), f"encoding {chosen}, as given")
    if marked is not None:
        mark, name = marked
        return Encoding(name, len(mark), f"encoding {_NAMES[name]}, from its byte order mark")
    if name := _wide(start):
        return Encoding(name, 0, f"encoding {_NAMES[name]}, without a byte order mark")
    return _utf8_or_fallback(path)


def _known(path: Path, chosen: str, start: bytes) -> str:
    """Return the name under which the encoding of a text that begins with some bytes is used here."""
    try:
        name = codecs.lookup(chosen).name
        "".encode(name)
    except (LookupError, ValueError):
        name = ""
    if not name or name in _NOT_OF_FILES:
        message = f"{path}: the encoding {chosen[:60]!r} is not known; utf-8, cp1252 and utf-16 are"
        raise InvalidInput("INVALID_SETTING", message, ("encoding",))
    if name in ("utf-16", "utf-32"):
        marked = (order for mark, order in _MARKS if order.startswith(name) and start.startswith(mark))
        return next(marked, f"{name}-le")
    return "utf-8" if name == "utf-8-sig" else name


def _wide(start: bytes) -> str:
    """Return UTF-16 if every other byte of nearly all ASCII characters is NUL, else ""."""
    even, odd = start[::2].count(0), start[1::2].count(0)
    pairs = len(start) // 2
    if pairs and odd > 0.4 * pairs and even < 0.05 * pairs:
        return "utf-16-le"
    if pairs and even > 0.4 * pairs and odd < 0.05 * pairs:
        return "utf-16-be"
    return ""


def _utf8_or_fallback(path: Path) -> Encoding:
    """Decide from the whole file; parts of plain ASCII, which are most of most files, take no time."""
    broken = letters = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            if chunk.isascii():
                continue
            if not chunk.endswith(_LINE_BREAK):
                chunk += file.readline()  # so that no letter is cut
            if _is_utf8(chunk):
                letters += _VALID_CHUNK
                continue
            for line in chunk.split(_LINE_BREAK):
                if not line.isascii():
                    is_broken = not _is_utf8(line)
                    broken += is_broken
                    letters += not is_broken or _MULTI_BYTE.search(line) is not None
    if not broken:
        return Encoding("utf-8", 0, "encoding UTF-8")
    lines = "1 line is" if broken == 1 else f"{broken} lines are"
    if letters * _MAX_CHANCE > broken:
        return Encoding("utf-8", 0, f"encoding UTF-8, but {lines} not; --encoding chooses another one")
    return Encoding(FALLBACK, 0, f"encoding {FALLBACK}, because {lines} not UTF-8; --encoding chooses another one")


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
