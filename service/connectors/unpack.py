"""Unpack what was sent: inflate it, and parse it in the format that the mapping names, whatever the content type says.

Real clients send JSON as text/plain and gzip under the content type of a form.
"""

import codecs
import csv
import io
import json
import re
import zlib
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree

import orjson

from graph.domain.model.errors import InvalidInput
from service.connectors.delivery_reports import parse_report
from service.runtime.json_body import parse_json

GZIP = b"\x1f\x8b"
_CHUNK = 65_536
_BRACKETS = re.compile(r"\[([^\]]*)\]")
MAX_COLUMNS = 1_000
"""Columns of a table."""
MAX_XML_DEPTH = 50
MAX_JSON_DEPTH = 100
MAX_FIELD_NAME = 500
"""Characters of the name of a field of a form, with its brackets."""


class TooLarge(InvalidInput):
    """What was sent is larger than is allowed."""


def inflate(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """Return a body without its compression, which its first bytes tell, or the header `Content-Encoding`.

    Raises `TooLarge` as soon as more than `max_bytes` have come out, so that a bomb costs no more than that.
    """
    if body.startswith(GZIP):
        bits = 16 + zlib.MAX_WBITS
    elif encoding.strip().lower() == "deflate":
        bits = zlib.MAX_WBITS if body[:1] == b"\x78" else -zlib.MAX_WBITS
    elif encoding.strip().lower() in ("", "identity", "gzip"):
        # Some proxies inflate a body and leave the header as it was.
        return body
    else:
        raise InvalidInput("UNSUPPORTED_ENCODING", f"Content-Encoding is {encoding[:40]!r}; gzip and deflate are read")
    parts: list[bytes] = []
    size = 0
    decompressor = zlib.decompressobj(bits)
    waiting = body
    try:
        while waiting and not decompressor.eof:
            part = decompressor.decompress(waiting, _CHUNK)
            waiting = decompressor.unconsumed_tail
            size += len(part)
            if size > max_bytes:
                raise TooLarge("BODY_TOO_LARGE", f"the body is longer than {max_bytes} bytes once it is inflated")
            parts.append(part)
    except zlib.error:
        raise InvalidInput("INVALID_BODY", "the body is not valid gzip or deflate") from None
    if not decompressor.eof:
        raise InvalidInput("INVALID_BODY", "the compressed body ends too early")
    return b"".join(parts)


class _Count:
    """Counts the values of a body: lines, cells, elements. A few bytes of each may become a thousand times as many."""

    def __init__(self, limit: int | None) -> None:
        self._left, self._limit = limit, limit

    def add(self, values: int) -> None:
        """Count values. Raises `TooLarge` if there are more than the limit."""
        if self._left is not None:
            self._left -= values
            if self._left < 0:
                raise TooLarge("BODY_TOO_LARGE", f"the body has more than {self._limit} values")


def _json(body: bytes, count: _Count) -> Any:
    try:
        return _writable(parse_json(body))
    except json.JSONDecodeError as error:
        raise InvalidInput("INVALID_BODY", f"the body is not JSON: {error.msg} at line {error.lineno}") from None


def _writable(content: Any) -> Any:
    """Return the content of JSON so that it can be written again: more levels can be read than written.

    A value that is nested more deeply becomes a NUL character, which no field accepts: that rejects its own record.
    """
    try:
        orjson.dumps(content)
    except TypeError:
        return _shallow(content, MAX_JSON_DEPTH)
    return content


def _shallow(value: Any, levels: int) -> Any:
    if isinstance(value, list):
        return [_shallow(one, levels - 1) for one in value] if levels else "\0"
    if isinstance(value, dict):
        return {name: _shallow(one, levels - 1) for name, one in value.items()} if levels else "\0"
    return value if not isinstance(value, int) or abs(value) < 1 << 63 else float(value)


def _ndjson(body: bytes, count: _Count) -> Any:
    """The objects of all lines; a line that is not JSON stays a text, which no mapping takes."""
    records: list[Any] = []
    for line in body.splitlines():
        if line.strip():
            count.add(1)
            try:
                records.append(_writable(parse_json(line)))
            except json.JSONDecodeError:
                records.append(line.decode(errors="replace"))
    return records


def _text_of(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("cp1252", errors="replace")


def _form(body: bytes, count: _Count) -> Any:
    """A form; names with brackets such as `data[merges][FNAME]` become objects in objects."""
    try:
        pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True, max_num_fields=1_000)
    except ValueError:
        raise InvalidInput("INVALID_BODY", "the form has more than 1,000 fields") from None
    result: dict[str, Any] = {}
    for name, value in pairs:
        if len(name) > MAX_FIELD_NAME:
            raise InvalidInput("INVALID_BODY", f"the form has a field with a name of {len(name)} characters")
        first, *rest = [name.partition("[")[0], *_BRACKETS.findall(name)]
        inner, key = result, first
        for part in rest:
            deeper = inner.setdefault(key, {})
            if not isinstance(deeper, dict):
                raise InvalidInput(
                    "INVALID_BODY", f"the form has the field {key[:40]!r} both with and without brackets"
                )
            inner, key = deeper, part or str(len(deeper))
        inner[key] = value
    return _writable(result)


def _csv(body: bytes, count: _Count, delimiter: str = ",") -> Any:
    """The rows of a table by the names of its columns; what a row lacks at its end is missing."""
    text = _text_of(body)
    first = text.partition("\n")[0]
    if delimiter == "," and "," not in first:
        delimiter = next((one for one in (";", "\t", "|") if one in first), ",")
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    records: list[dict[str, Any]] = []
    try:
        header = [name.strip() for name in next((row for row in rows if row), [])]
        if len(header) > MAX_COLUMNS:
            raise InvalidInput("INVALID_BODY", f"the table has {len(header)} columns; {MAX_COLUMNS} are allowed")
        for row in rows:
            if row:
                count.add(len(row))
                record: dict[str, Any] = dict(zip(header, row, strict=False))
                if more := row[len(header) :]:
                    record[""] = more
                records.append(record)
    except csv.Error as error:
        raise InvalidInput("INVALID_BODY", f"the body is not CSV: {error}") from None
    return records


def _tsv(body: bytes, count: _Count) -> Any:
    return _csv(body, count, "\t")


def _feed(body: bytes, count: _Count) -> Any:
    """A feed of products: XML if it begins with an element, else a table with tabs or commas."""
    start = body.removeprefix(codecs.BOM_UTF8).lstrip()
    if start.startswith(b"<"):
        return _xml(start, count)
    return _csv(body, count, "\t" if b"\t" in start.partition(b"\n")[0] else ",")


class _Elements(ElementTree.TreeBuilder):
    """Builds elements, as far as they are neither too many nor too deep.

    A document that declares a type may declare entities, and is refused.
    """

    def __init__(self, count: _Count) -> None:
        super().__init__()
        self._count, self._depth = count, 0

    def start(self, tag: str, attrs: dict[str, str]) -> Any:
        """Begin an element."""
        self._count.add(1 + len(attrs))
        self._depth += 1
        if self._depth > MAX_XML_DEPTH:
            raise InvalidInput("INVALID_BODY", f"the body has more than {MAX_XML_DEPTH} levels of elements")
        return super().start(tag, attrs)

    def end(self, tag: str) -> Any:
        """End an element."""
        self._depth -= 1
        return super().end(tag)

    def doctype(self, name: str, pubid: str, system: str) -> None:
        """Refuse the declaration of a document type."""
        raise InvalidInput("INVALID_BODY", "the body is XML with a DOCTYPE, which is not read")


def _xml(body: bytes, count: _Count) -> Any:
    """An element as an object: attributes and children by name, without their namespaces; its text as `#text`."""
    try:
        root = ElementTree.fromstring(body, ElementTree.XMLParser(target=_Elements(count)))  # noqa: S314
    except ElementTree.ParseError as error:
        raise InvalidInput("INVALID_BODY", f"the body is not XML: {error}") from None
    except InvalidInput:
        raise
    except (LookupError, ValueError):
        raise InvalidInput("INVALID_BODY", "the body is XML in an encoding that is not read; UTF-8 is") from None
    return {_local(root.tag): _element(root)}


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _element(element: Any) -> Any:
    text = (element.text or "").strip()
    result: dict[str, Any] = {_local(name): value for name, value in element.attrib.items()}
    for child in element:
        name, value = _local(child.tag), _element(child)
        if name not in result:
            result[name] = value
        elif isinstance(result[name], list):
            result[name].append(value)
        else:
            result[name] = [result[name], value]
    if not result:
        return text
    if text:
        result["#text"] = text
    return result


_PARSERS: Mapping[str, Callable[[bytes, _Count], Any]] = {
    "json": _json,
    "ndjson": _ndjson,
    "form": _form,
    "csv": _csv,
    "tsv": _tsv,
    "xml": _xml,
    "feed": _feed,
    "dsn": lambda body, count: parse_report(body),
}
FORMATS = tuple(_PARSERS)
"""The formats that a mapping may name."""


def unpack(body: bytes, format: str, max_values: int | None = None) -> Any:
    """Return the content of a body in a format. Raises `InvalidInput`.

    Lines, cells and elements are at most `max_values`: then `TooLarge` is raised.
    """
    return _PARSERS[format](body, _Count(max_values))
