"""Bodies are unpacked by their format, and by their first bytes, whatever their headers say."""

import gzip
import tracemalloc
import zlib
from typing import Any

import orjson
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
        ("xml", b'<?xml version="1.0" encoding="zlib_codec"?><a/>', "encoding that is not read"),
        ("xml", b'<?xml version="1.0" encoding="utf-7"?><a/>', "encoding that is not read"),
        ("form", b"a" + b"[" * 100_000 + b"=1", "a name of 100001 characters"),
        ("form", b"a" + b"[b]" * 100_000 + b"=1", "a name of 300001 characters"),
        ("csv", b",".join(b"%d" % n for n in range(1_001)) + b"\n1\n", "1001 columns"),
    ],
)
def test_content_that_cannot_be_parsed_is_an_error(format: str, body: bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        unpack(body, format)


@pytest.mark.parametrize(
    ("format", "body"),
    [
        ("csv", b"a,b,c\n1,2,3\n4,5,6\n"),
        ("tsv", b"a\tb\n1\t2\n3\t4\n5\t6\n"),
        ("ndjson", b"{}\n" * 6),
        ("xml", b'<a b="1" c="2"><d/><e/><f/></a>'),
    ],
)
def test_a_body_has_at_most_so_many_values(format: str, body: bytes) -> None:
    assert unpack(body, format, 6)
    with pytest.raises(TooLarge, match="more than 5 values"):
        unpack(body, format, 5)


def test_a_row_that_lacks_cells_costs_no_more_than_it_has() -> None:
    assert unpack(b"a,b,c\n1\n\n1,2,3,4\n", "csv") == [{"a": "1"}, {"a": "1", "b": "2", "c": "3", "": ["4"]}]


def test_a_value_that_no_record_may_have_costs_only_its_own_record() -> None:
    # given half a sign, as of an emoji that a page cut, a number beyond all, and more levels than can be written again
    deep = '{"a":' * 300 + "1" + "}" * 300
    # when
    whole = unpack(f'[{{"id": "1"}}, "\\ud83d", 1e999, {deep}]'.encode(), "json")
    lines = unpack(f'{{"id": "1"}}\n"\\ud83d"\n{deep}'.encode(), "ndjson")
    # then
    assert whole[:3] == [{"id": "1"}, "\0", float("inf")]
    assert lines[:2] == [{"id": "1"}, "\0"]
    for value in (whole[3], lines[2]):
        assert b'"a":"\\u0000"}' in orjson.dumps(value)
