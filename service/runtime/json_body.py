"""Parses the JSON that callers send, and encodes answers.

A value that cannot be stored rejects its own item, not the whole request. The fast parser, however, rejects a whole
text for a number such as 1e999 or half of a surrogate pair. Such a text is parsed again: the number becomes infinite
and the half a NUL character, which no field accepts.
"""

import json
import re
from typing import Any

import orjson

from graph.domain.model.json_text import readable


class NestedTooDeeply(json.JSONDecodeError):
    """JSON of more levels than parsers read, about 1,000."""


_HIGH, _LOW = r"\\u[dD][89abAB][0-9a-fA-F]{2}", r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_RUNS = re.compile(
    rf"((?:[^\\]|\\(?!u[dD][89a-fA-F][0-9a-fA-F]{{2}}).|{_HIGH}{_LOW})*+)((?:{_HIGH}(?!{_LOW})|{_LOW})*+)", re.DOTALL
)
"""Text with whole surrogate pairs, and the halves of some that follow it; a call for each escape would take seconds."""
_ESCAPE_LENGTH = 6
_MAX_INT_LENGTH = 20
"""Characters of the longest whole number of 64 bits, with a sign."""


def parse_json(text: bytes | str) -> Any:
    """Parse strict JSON: no NaN, no invalid UTF-8. Raises `json.JSONDecodeError`."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        try:
            decoded = text.decode() if isinstance(text, bytes) else text
            return _LENIENT.decode(_RUNS.sub(_without_halves, decoded))
        except RecursionError:
            raise NestedTooDeeply("nested too deeply", "", 0) from None
        except ValueError:
            raise error from None


def encode_json(value: object) -> bytes:
    """Encode an answer. Values from older stores that no JSON parser reads are replaced, see `readable`.

    Raises `TypeError` or `RecursionError` if the value is not JSON.
    """
    try:
        return orjson.dumps(value)
    except TypeError:
        # Python's encoder is slower, but writes more levels.
        return json.dumps(readable(value), ensure_ascii=False, separators=(",", ":")).encode()


def _without_halves(run: re.Match[str]) -> str:
    return run[1] + "\\u0000" * (len(run[2]) // _ESCAPE_LENGTH)


def _whole_number(text: str) -> float:
    """Return a number of 64 bits exactly and a longer one as a float, as the fast parser does."""
    return int(text) if len(text) <= _MAX_INT_LENGTH else float(text)


def _reject_constant(text: str) -> None:
    raise ValueError(text)


_LENIENT = json.JSONDecoder(parse_int=_whole_number, parse_constant=_reject_constant)
