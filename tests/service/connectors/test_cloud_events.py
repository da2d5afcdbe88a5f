"""CloudEvents of all modes are unwrapped, and everything else is left alone."""

import orjson
import pytest

from graph.domain.model.errors import InvalidInput
from service.connectors.cloud_events import CloudEvent, unwrap

EVENT = {"specversion": "1.0", "id": "7", "source": "/shop", "type": "visit"}


@pytest.mark.parametrize("prefix", ["ce-", "ce_"])
def test_binary_mode_has_the_attributes_in_headers(prefix: str) -> None:
    # given
    headers = {f"{prefix}{name}": value for name, value in EVENT.items()} | {"content-type": "text/csv", "other": "x"}
    # when
    events = unwrap(b"a,b", headers)
    # then
    assert events == [CloudEvent({**EVENT, "datacontenttype": "text/csv"}, b"a,b")]


def test_headers_over_http_and_nats_are_percent_encoded_and_those_of_kafka_are_not() -> None:
    for prefix, subject in (("ce-", "50% é"), ("ce_", "50%25 %C3%A9")):
        headers = {f"{prefix}{name}": value for name, value in {**EVENT, "subject": "50%25 %C3%A9"}.items()}
        (event,) = unwrap(b"{}", headers) or []
        assert event.attributes["subject"] == subject


@pytest.mark.parametrize("headers", [{}, {"content-type": "application/cloudevents+json; charset=utf-8"}])
@pytest.mark.parametrize(
    ("more", "data"),
    [
        ({"data": {"a": 1}}, {"a": 1}),
        ({"data": [1, 2]}, [1, 2]),
        ({"data_base64": "YSxi"}, b"a,b"),
        ({"data": "a,b", "datacontenttype": "text/csv"}, b"a,b"),
        ({"data": "a text", "datacontenttype": "application/json"}, "a text"),
        ({}, None),
    ],
)
def test_structured_mode_has_both_in_the_body(headers: dict[str, str], more: dict[str, object], data: object) -> None:
    # when
    (event,) = unwrap(orjson.dumps({**EVENT, "tenant": 7, **more}), headers) or []
    # then
    assert event.data == data
    assert event.beside["ce-type"] == "visit"
    assert event.beside["ce-tenant"] == "7"


def test_a_batch_is_a_list_of_events() -> None:
    body = orjson.dumps([{**EVENT, "id": str(number), "data": number} for number in range(3)])
    for headers in ({}, {"content-type": "application/cloudevents-batch+json"}):
        assert [event.data for event in unwrap(body, headers) or []] == [0, 1, 2]


def test_an_id_is_unique_with_its_source_and_never_too_long() -> None:
    (event,) = unwrap(orjson.dumps(EVENT), {}) or []
    assert event.id == "/shop#7"
    (event,) = unwrap(orjson.dumps({**EVENT, "source": "https://shop.example/" + "a" * 300}), {}) or []
    assert len(event.id) == 64


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1}',
        b'{"specversion": "1.0", "title": "a product with that attribute"}',
        b'[{"specversion": 1}, 2]',
        b'{"specversion"',
        b"7",
        b"",
    ],
)
def test_what_is_not_an_event_is_left_alone(body: bytes) -> None:
    assert unwrap(body, {"content-type": "application/json", "x-request-id": "1"}) is None


@pytest.mark.parametrize(
    ("body", "headers", "reason"),
    [
        (b"{", {"content-type": "application/cloudevents+json"}, "is not JSON"),
        (b"7", {"content-type": "application/cloudevents+json"}, "is not a JSON object"),
        (b"{}", {"content-type": "application/cloudevents+json"}, "has no attribute 'specversion'"),
        (b"{}", {"ce_specversion": "1.0", "ce_id": "7"}, "has no attribute 'source'"),
        (orjson.dumps({**EVENT, "data_base64": "?"}), {}, "data_base64 of the CloudEvent is not base64"),
        (orjson.dumps({**EVENT, "data_base64": 7}), {}, "data_base64 of the CloudEvent is not base64"),
    ],
)
def test_a_malformed_event_is_an_error_that_names_the_attribute(
    body: bytes, headers: dict[str, str], reason: str
) -> None:
    with pytest.raises(InvalidInput, match=reason) as raised:
        unwrap(body, headers)
    assert raised.value.code == "INVALID_BODY"
