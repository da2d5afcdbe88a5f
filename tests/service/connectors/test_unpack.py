"""Bodies are unpacked by their format, and by their first bytes, whatever their headers say."""

import gzip
import tracemalloc
import zlib
from typing import Any

import pytest

from graph.domain.model.errors import InvalidInput
from service.connectors.unpack import TooLarge, inflate, unpack

LIMIT = 1_000_000


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b"{}", ""),
        (b"{}", "gzip"),
        (gzip.compress(b"{}"), "gzip"),
        (gzip.compress(b"{}"), ""),
        (zlib.compress(b"{}"), "deflate"),
        (zlib.compress(b"{}")[2:-4], "deflate"),
    ],
)
def test_bodies_are_inflated(body: bytes, encoding: str) -> None:
    assert inflate(body, encoding, LIMIT) == b"{}"


def test_a_bomb_costs_no_more_than_the_limit() -> None:
    # given: 200 MB of zeros in 200 kB
    bomb = gzip.compress(bytes(200_000_000), 6)
    tracemalloc.start()
    # when
    with pytest.raises(TooLarge):
        inflate(bomb, "gzip", 8_000_000)
    # then
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000


@pytest.mark.parametrize(
    ("body", "encoding", "message"),
    [
        (gzip.compress(b"{}")[:-9], "gzip", "ends too early"),
        (gzip.compress(b"{}" * 500)[:8] + b"xxxxxxxxxxx", "gzip", "not valid gzip"),
        (b"{}", "br", "Content-Encoding is 'br'"),
    ],
)
def test_a_body_that_cannot_be_inflated_is_an_error(body: bytes, encoding: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        inflate(body, encoding, LIMIT)


@pytest.mark.parametrize(
    ("format", "body", "content"),
    [
        ("json", b'[{"a": 1}]', [{"a": 1}]),
        ("ndjson", b'{"a": 1}\n\n{"a": 2}\nno\n', [{"a": 1}, {"a": 2}, "no"]),
        (
            "form",
            b"type=upemail&data%5Bmerges%5D%5BFNAME%5D=Ann&data[new_email]=a%40example.com",
            {"type": "upemail", "data": {"merges": {"FNAME": "Ann"}, "new_email": "a@example.com"}},
        ),
        ("csv", b"\xef\xbb\xbfid,E-Mail \n1,a@example.com\n", [{"id": "1", "E-Mail": "a@example.com"}]),
        ("csv", b"id;name\n1;J\xf6rg\n", [{"id": "1", "name": "Jörg"}]),
        ("tsv", b"id\tname\n1\tTent, large\n", [{"id": "1", "name": "Tent, large"}]),
        (
            "xml",
            b'<rss xmlns:g="urn:g"><item key="k"><g:id>1</g:id><g:id>2</g:id>text</item></rss>',
            {"rss": {"item": {"key": "k", "id": ["1", "2"]}}},
        ),
    ],
)
def test_content_is_parsed_by_the_format(format: str, body: bytes, content: Any) -> None:
    assert unpack(body, format) == content


@pytest.mark.parametrize(
    ("format", "body", "message"),
    [
        ("json", b"{", "is not JSON"),
        ("form", b"a=1&a[b]=2", "both with and without brackets"),
        ("form", b"&".join(b"a%d=1" % n for n in range(1_001)), "more than 1,000"),
        ("xml", b"<a>", "is not XML"),
        ("xml", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "DOCTYPE"),
        ("xml", b"<a>" * 60 + b"</a>" * 60, "levels"),
    ],
)
def test_content_that_cannot_be_parsed_is_an_error(format: str, body: bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        unpack(body, format)
