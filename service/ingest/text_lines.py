"""The lines of a text file, with those in front that were read ahead."""

import codecs
import re
from collections import deque
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import Self

from service.ingest.text_encoding import Encoding

_MARK_BROKEN = "kith_mark_broken"
_BROKEN = re.compile("[\udc00-\udcff]")
NOT_DECODED = "has bytes that are not in the encoding of the file"
"""The reason why a line with bytes that could not be decoded is rejected."""


def _mark_broken(error: UnicodeError) -> tuple[str, int]:
    """Decode each byte that is not valid as half a surrogate pair; no valid text contains those."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


# The handler `surrogateescape` of Python does this too, but not for encodings with two bytes for a letter.
codecs.register_error(_MARK_BROKEN, _mark_broken)


class TextLines:
    """Iterates over the lines of a file with their line breaks, and takes lines back.

    Bytes that cannot be decoded are marked in the text (`is_broken`). `line` is the number of lines taken so
    far, and `read_bytes` the bytes up to the end of the last.
    """

    def __init__(self, path: Path, encoding: Encoding) -> None:
        self._file = path.open("rb")
        self._file.seek(encoding.mark)
        # A line ends with \n, \r\n or \r, as in files of old Macs.
        self._lines: Iterator[str] = TextIOWrapper(self._file, encoding.name, _MARK_BROKEN, newline="")
        self._encoding = encoding.name
        self._width = 2 if encoding.name.startswith("utf-16") else 4 if encoding.name.startswith("utf-32") else 1
        self._back: deque[str] = deque()
        self.line = 0
        self.read_bytes = encoding.mark

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else next(self._lines)
        self.line += 1
        self.read_bytes += self._size(line)
        return line

    def push_back(self, lines: list[str]) -> None:
        """Take back the last lines, so that they are read again."""
        self._back.extendleft(reversed(lines))
        self.line -= len(lines)
        self.read_bytes -= sum(map(self._size, lines))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _size(self, line: str) -> int:
        if line.isascii():
            return len(line) * self._width
        return len(line.encode(self._encoding, "replace"))


def is_broken(text: str) -> bool:
    """Whether bytes of a text could not be decoded."""
    return not text.isascii() and _BROKEN.search(text) is not None


def shown(text: str) -> str:
    """Return the text of a line for reports: bytes that could not be decoded are written as in `\\xfc`."""
    return _BROKEN.sub(lambda match: f"\\x{ord(match[0]) - 0xDC00:02x}", text.rstrip("\r\n"))
