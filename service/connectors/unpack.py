"""Unpack what was sent: inflate it, and parse it in the format that the mapping names, whatever the content type says.

Real clients send JSON as text/plain and gzip under the content type of a form.
"""

import codecs
import csv
import io
import re
import zlib
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree

import orjson

from graph.domain.model.errors import InvalidInput
from service.connectors.delivery_reports import parse_report

GZIP = b"\x1f\x8b"
_CHUNK = 65_536
_BRACKETS = re.compile(r"\[([^\]]*)\]")
MAX_XML_DEPTH = 50


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


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput("INVALID_BODY", f"the body is not JSON: {error.msg} at line {error.lineno}") from None


def _ndjson(body: bytes) -> Any:
    """The objects of all lines; a line that is not JSON stays a text, which no mapping takes."""
    records: list[Any] = []
    for line in body.splitlines():
        if line.strip():
            try:
                records.append(orjson.loads(line))
            except orjson.JSONDecodeError:
                records.append(line.decode(errors="replace"))
    return records


def _text_of(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("cp1252", errors="replace")


def _form(body: bytes) -> Any:
    """A form; names with brackets such as `data[merges][FNAME]` become objects in objects."""
    try:
        pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True, max_num_fields=1_000)
    except ValueError:
        raise InvalidInput("INVALID_BODY", "the form has more than 1,000 fields") from None
    result: dict[str, Any] = {}
    for name, value in pairs:
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
    return result


def _csv(body: bytes, delimiter: str = ",") -> Any:
    text = _text_of(body)
    header = text.partition("\n")[0]
    if delimiter == "," and "," not in header:
        delimiter = next((one for one in (";", "\t", "|") if one in header), ",")
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restkey="", restval=""))
    except csv.Error as error:
        raise InvalidInput("INVALID_BODY", f"the body is not CSV: {error}") from None
    return [{(name or "").strip(): value for name, value in row.items()} for row in rows]


def _tsv(body: bytes) -> Any:
    return _csv(body, "\t")


def _feed(body: bytes) -> Any:
    """A feed of products: XML if it begins with an element, else a table with tabs or commas."""
    start = body.removeprefix(codecs.BOM_UTF8).lstrip()
    return _xml(start) if start.startswith(b"<") else _csv(body, "\t" if b"\t" in start.partition(b"\n")[0] else ",")


class _WithoutDoctype(ElementTree.TreeBuilder):
    """Builds elements. A document that declares a type may declare entities, and is refused."""

    def doctype(self, name: str, pubid: str, system: str) -> None:
        """Refuse the declaration of a document type."""
        raise InvalidInput("INVALID_BODY", "the body is XML with a DOCTYPE, which is not read")


def _xml(body: bytes) -> Any:
    """An element as an object: attributes and children by name, without their namespaces; its text as `#text`."""
    try:
        root = ElementTree.fromstring(body, ElementTree.XMLParser(target=_WithoutDoctype()))  # noqa: S314
    except ElementTree.ParseError as error:
        raise InvalidInput("INVALID_BODY", f"the body is not XML: {error}") from None
    return {_local(root.tag): _element(root, 0)}


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _element(element: Any, depth: int) -> Any:
    if depth > MAX_XML_DEPTH:
        raise InvalidInput("INVALID_BODY", f"the body has more than {MAX_XML_DEPTH} levels of elements")
    text = (element.text or "").strip()
    result: dict[str, Any] = {_local(name): value for name, value in element.attrib.items()}
    for child in element:
        name, value = _local(child.tag), _element(child, depth + 1)
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


_PARSERS: Mapping[str, Callable[[bytes], Any]] = {
    "json": _json,
    "ndjson": _ndjson,
    "form": _form,
    "csv": _csv,
    "tsv": _tsv,
    "xml": _xml,
    "feed": _feed,
    "dsn": parse_report,
}
FORMATS = tuple(_PARSERS)
"""The formats that a mapping may name."""


def unpack(body: bytes, format: str) -> Any:
    """Return the content of a body in a format. Raises `InvalidInput`."""
    return _PARSERS[format](body)
