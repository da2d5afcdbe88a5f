"""The records in a message, whatever is around them, with the id and the time that they have at each delivery."""

import gzip

import orjson
import pytest

from graph.domain.model.errors import InvalidInput
from service.brokers.records import MAX_BYTES, records_of
from service.brokers.subscription import Message
from service.connectors import mapping_file
from service.connectors.mapping import RecordMapping

TIME = 1_767_225_600_000_000
EVENT = {"specversion": "1.0", "id": "7", "source": "/shop", "type": "visit"}


def mapping(top: str = "") -> RecordMapping:
    return mapping_file.parse(f'{top}\n[[statement]]\nkind = "observation"\nidentifiers = {{ login = "u" }}', "visits")


def contents(value: bytes | None, top: str = "", **headers: str) -> list[object]:
    return [record.content for record in records_of(Message(value, TIME, headers), mapping(top))]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b'{"u": 1}', [{"u": 1}]),
        (b'{\n  "u": 1\n}\n', [{"u": 1}]),
        (b'[{"u": 1}, {"u": 2}]', [{"u": 1}, {"u": 2}]),
        (b'{"u": 1}\n\n{"u": 2}\n', [{"u": 1}, {"u": 2}]),
        (b'{"u": 1}\nbroken', [{"u": 1}, "broken"]),
        (b'\x00\x00\x00\x00\x07{"u": 1}', [{"u": 1}]),
        (gzip.compress(b'{"u": 1}'), [{"u": 1}]),
        (orjson.dumps({**EVENT, "data": [{"u": 1}, {"u": 2}]}), [{"u": 1}, {"u": 2}]),
        (orjson.dumps(EVENT), [{}]),
        (b"7", [7]),
        (None, []),
    ],
)
def test_json_lists_lines_and_what_is_around_them(value: bytes | None, expected: list[object]) -> None:
    assert contents(value) == expected


def test_the_mapping_says_where_records_are_and_how_they_are_written() -> None:
    assert contents(b'{"batch": [{"u": 1}, {"u": 2}]}', 'records = "batch"') == [{"u": 1}, {"u": 2}]
    assert contents(b"u;v\n1;2\n", 'format = "csv"') == [{"u": "1", "v": "2"}]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"{", "is not JSON"),
        (b"", "is not JSON"),
        (b"\x00\x00\x00\x00\x07\x02", "binary, probably Avro"),
        (gzip.compress(b"{}")[:-4], "ends too early"),
        (gzip.compress(b" " * (MAX_BYTES + 1)), "is longer than"),
        (orjson.dumps({**EVENT, "data_base64": "e30="}).replace(b"e30=", b"ew=="), "is not JSON"),
    ],
)
def test_what_cannot_be_read_is_an_error(value: bytes, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        contents(value)


def test_records_without_their_own_id_and_time_have_those_of_the_event() -> None:
    # given
    message = Message(orjson.dumps({**EVENT, "time": "2026-02-03T04:05:06Z", "data": {"u": "ann"}}), TIME)
    lists = Message(orjson.dumps({**EVENT, "data": [{"u": "ann"}, {"u": "bob"}]}), TIME)
    # when
    (one,) = records_of(message, mapping())
    made = mapping().map(one.content, one.beside)
    several = [mapping().map(record.content, record.beside) for record in records_of(lists, mapping())]
    # then
    assert made is not None
    assert made[0].fields["id"] == "/shop#7"
    assert made[0].fields["seenAt"] == "2026-02-03T04:05:06Z"
    assert [statements[0].fields["id"] for statements in several if statements] == ["/shop#7/0", "/shop#7/1"]
    # the time of the message, which is the same at each delivery
    assert all(statements[0].fields["seenAt"] == "2026-01-01T00:00:00Z" for statements in several if statements)


def test_the_mapping_may_read_its_own_id_and_what_came_beside() -> None:
    # given
    chosen = mapping('id = ["id", "@key"]\nat = "at"')
    beside = {"key": "k-1", "topic": "visits"}
    values = (b'{"u": "ann", "id": "own", "at": "2026-05-01"}', b'{"u": "ann"}')
    # when
    fields = []
    for value in values:
        (record,) = records_of(Message(value, TIME, {"x-tenant": "de"}, beside), chosen)
        assert record.beside["x-tenant"] == "de"
        fields.append((chosen.map(record.content, record.beside) or [])[0].fields)
    # then
    assert [(one["id"], one["seenAt"]) for one in fields] == [("own", "2026-05-01"), ("k-1", "2026-01-01T00:00:00Z")]
