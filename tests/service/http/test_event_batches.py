"""Batches of events: every client reads the same answers, whatever the transport and the id of its operation."""

import orjson
from hypothesis import given
from hypothesis import strategies as st
from websockets.protocol import Protocol, Side, State

from schema.execution.runner import ExecutionAnswer, Stage
from service.http.event_batches import EventBatch

LENGTHS = st.one_of(st.integers(0, 300), st.sampled_from([65_400, 65_500, 65_535, 70_000]))


def batch(texts: list[str]) -> EventBatch:
    return EventBatch([ExecutionAnswer(Stage.EXECUTION, {"text": text}) for text in texts])


def read(frames: bytes) -> list[object]:
    """The messages of WebSocket frames, as a client reads them."""
    client = Protocol(Side.CLIENT, state=State.OPEN, max_size=None)
    client.receive_data(frames)
    assert client.parser_exc is None
    return [orjson.loads(frame.data) for frame in client.events_received()]


@given(st.lists(LENGTHS, min_size=1, max_size=4), st.lists(st.text(max_size=40), min_size=1, max_size=3))
def test_clients_of_both_transports_read_all_answers(lengths: list[int], ids: list[str]) -> None:
    # given
    texts = ["x" * length for length in lengths]
    sent = batch(texts)
    # then
    for id in ids:
        expected = [{"id": id, "type": "next", "payload": {"data": {"text": text}}} for text in texts]
        assert read(sent.websocket_frames(id)) == expected
    events = sent.server_sent().decode().split("\n\n")
    assert events.pop() == ""
    assert [orjson.loads(event.removeprefix("event: next\ndata: ")) for event in events] == [
        {"data": {"text": text}} for text in texts
    ]


def test_what_a_value_contains_does_not_end_an_event() -> None:
    sent = batch(['\n\ndata: {"a": 1}\n\n', '","id":"2'])
    assert sent.server_sent().count(b"\n\n") == 2
    assert [message["payload"]["data"]["text"] for message in read(sent.websocket_frames('a"b\\'))] == [
        '\n\ndata: {"a": 1}\n\n',
        '","id":"2',
    ]
