"""Messages of Singer taps and Airbyte sources."""

import json
from typing import Any

import pytest

from graph.domain.model.errors import InvalidInput
from service.connectors.singer import Message, Messages, Record, State
from tests.builders.pipelines import SCHEMA, record, state


def read(*messages: Any) -> list[Message | None]:
    reader = Messages()
    return [reader.read(one if isinstance(one, bytes) else json.dumps(one).encode()) for one in messages]


def test_records_have_their_stream_and_key_beside_them() -> None:
    # when
    _, first, position = read(SCHEMA, record(1), state(1))
    # then
    assert isinstance(first, Record)
    assert (first.content["email"], first.beside) == (
        "c1@example.com",
        {"stream": "contacts", "key": "C1", "time_extracted": "2026-04-01T00:00:00Z"},
    )
    assert isinstance(position, State)
    assert json.loads(position.text) == {"bookmarks": {"contacts": 1}}


def test_messages_of_airbyte_are_read() -> None:
    # given
    sent = {"stream": "contacts", "data": {"id": 1}, "emitted_at": 1_700_000_000_000}
    position = {"type": "STATE", "state": {"type": "STREAM", "stream": {}}}
    # when
    first, second = read({"type": "RECORD", "record": sent}, position)
    # then
    assert isinstance(first, Record)
    assert (first.content, first.beside) == ({"id": 1}, {"stream": "contacts", "emitted_at": 1_700_000_000_000})
    assert isinstance(second, State)
    assert json.loads(second.text) == position


@pytest.mark.parametrize(
    "message",
    [b"", b"  \n", {"type": "ACTIVATE_VERSION", "stream": "contacts", "version": 1}, {"type": "LOG"}, {"type": "NEW"}],
)
def test_what_has_no_meaning_here_is_skipped(message: Any) -> None:
    assert read(message) == [None]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b'{"type": "REC', "line 2 is not JSON"),
        (b"[1]", "line 2 is not a message"),
        ({"stream": "contacts"}, "line 2 is not a message"),
        (record(1, "orders"), "line 2 is a RECORD of the stream 'orders' before its SCHEMA"),
        ({"type": "RECORD", "stream": "contacts"}, "line 2 is a RECORD without an object record"),
        ({"type": "RECORD", "record": {}}, "line 2 is a message without a stream"),
        ({"type": "STATE"}, "line 2 is a STATE without a value"),
        ({"type": "SCHEMA", "stream": "s"}, "line 2 is a SCHEMA without an object schema"),
        ({**SCHEMA, "key_properties": "id"}, "line 2 is a SCHEMA whose key_properties are not a list"),
        ({"type": "BATCH", "stream": "contacts"}, "line 2 is a BATCH"),
    ],
)
def test_what_is_no_message_is_an_error_with_its_line(message: Any, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason) as error:
        read(SCHEMA, message)
    assert "example.com" not in error.value.message
