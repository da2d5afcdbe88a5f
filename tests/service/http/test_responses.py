"""Media types, statuses and ETags of responses."""

import json
from typing import Any

import orjson
import pytest
from graphql import GraphQLError, located_error, parse
from starlette.responses import Response

from graph.domain.model.errors import StoreUnavailable, TooManyLookups
from schema.execution.runner import ExecutionAnswer, Stage
from service.http.error_format import format_error
from service.http.responses import (
    EVENT_STREAM,
    GRAPHQL_RESPONSE_JSON,
    JSON,
    batch_response,
    encoded_body,
    media_type,
    response,
    with_etag,
)

WRONG = [GraphQLError("wrong")]
DATA = {"a": 1}


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("text/html", None),
        (f"{JSON};q=0", None),
        (f"{JSON};q=x", None),
        (f"{GRAPHQL_RESPONSE_JSON};q=0.9, {JSON};q=0.8", GRAPHQL_RESPONSE_JSON),
        (f"{JSON}, {GRAPHQL_RESPONSE_JSON}", JSON),
        (f"{JSON};q=0.1,{EVENT_STREAM}", EVENT_STREAM),
        ("APPLICATION/JSON; charset=utf-8", JSON),
    ],
)
def test_the_preferred_media_type_is_selected(accept: str, expected: str | None) -> None:
    assert media_type(accept) == expected


@pytest.mark.parametrize(
    ("answer", "audited", "draft"),
    [
        (ExecutionAnswer(Stage.PARSING, errors=WRONG), 400, 400),
        (ExecutionAnswer(Stage.VALIDATION, errors=WRONG), 400, 422),
        (ExecutionAnswer(Stage.EXECUTION, DATA), 200, 200),
        (ExecutionAnswer(Stage.EXECUTION, DATA, WRONG), 200, 294),
        (ExecutionAnswer(Stage.EXECUTION, None, WRONG), 200, 200),
        (ExecutionAnswer(Stage.METHOD, errors=WRONG), 405, 405),
        (ExecutionAnswer(Stage.TIME, errors=WRONG), 504, 504),
    ],
)
def test_statuses_follow_the_configured_profile(answer: ExecutionAnswer, audited: int, draft: int) -> None:
    assert response(answer, GRAPHQL_RESPONSE_JSON, "2025").status_code == audited
    assert response(answer, GRAPHQL_RESPONSE_JSON, "2026-08").status_code == draft
    for http_status_profile in ("2025", "2026-08"):
        expected = audited if audited in (405, 504) else 200
        assert response(answer, JSON, http_status_profile).status_code == expected


def test_a_temporary_failure_is_503_with_retry_after() -> None:
    failure = GraphQLError("unavailable", original_error=StoreUnavailable("the database does not respond"))
    answer = response(ExecutionAnswer(Stage.EXECUTION, None, [failure]), JSON, "2025")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


@pytest.mark.parametrize("kind", [JSON, GRAPHQL_RESPONSE_JSON])
def test_too_many_look_ups_are_429_with_retry_after(kind: str) -> None:
    # given an answer whose first fields were within the budget
    refused = GraphQLError("refused", original_error=TooManyLookups("60 a minute", 41.2))
    unavailable = GraphQLError("unavailable", original_error=StoreUnavailable("the database does not respond"))
    partial = ExecutionAnswer(Stage.EXECUTION, {"a": {"id": "cus_1"}, "b": None}, [unavailable, refused])
    # then
    alone = response(partial, kind, "2025")
    batch = batch_response([ExecutionAnswer(Stage.EXECUTION, {"a": 1}), partial], kind)
    assert [(answer.status_code, answer.headers["retry-after"]) for answer in (alone, batch)] == [(429, "42")] * 2
    assert orjson.loads(batch.body)[1] == orjson.loads(alone.body)
    assert orjson.loads(alone.body)["data"] == {"a": {"id": "cus_1"}, "b": None}
    # and an operation of a batch that fails for another reason leaves the others valid
    failed = ExecutionAnswer(Stage.EXECUTION, None, [unavailable])
    assert batch_response([failed, ExecutionAnswer(Stage.EXECUTION, {"a": 1})], kind).status_code == 200


def deep(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("value", [object(), b"bytes", deep(5_000)], ids=["object", "bytes", "deep"])
def test_an_answer_that_cannot_be_encoded_is_an_error(value: object) -> None:
    # given
    answer = ExecutionAnswer(Stage.EXECUTION, {"a": value})
    # when
    alone, batched = response(answer, JSON, "2025"), [orjson.loads(encoded_body(answer))]
    # then
    assert alone.status_code == 200
    for body in (orjson.loads(alone.body), batched[0]):
        assert body["data"] is None
        assert [error["extensions"]["code"] for error in body["errors"]] == ["INTERNAL_SERVER_ERROR"]


@pytest.mark.parametrize(
    "value", [deep(300), 2**64, float("nan"), "\ud800"], ids=["deep", "long", "nan", "half a pair"]
)
def test_what_only_some_parsers_read_is_encoded(value: object) -> None:
    body = response(ExecutionAnswer(Stage.EXECUTION, {"a": value}), JSON, "2025").body
    assert json.loads(body)["data"].keys() == {"a"}


def test_only_errors_of_the_document_are_the_callers() -> None:
    # given an error of a type that cannot represent a value, and one of an argument
    node = parse("{ a }").definitions[0]
    of_type = GraphQLError("Int cannot represent 5000000000")
    of_argument = GraphQLError("Argument 'x' has invalid value", node)
    # when
    formatted = [format_error(located_error(error, [node], ["a"])) for error in (of_type, of_argument)]
    # then
    assert [error["extensions"]["code"] for error in formatted] == ["INTERNAL_SERVER_ERROR", "BAD_REQUEST"]
    assert "5000000000" not in formatted[0]["message"]
    assert formatted[0]["path"] == ["a"]


def test_a_cached_response_is_not_sent_again() -> None:
    first = with_etag(Response(b"{}"), "")
    etag = first.headers["etag"]
    assert (first.status_code, first.headers["cache-control"]) == (200, "private, no-cache")
    for if_none_match in (etag, f'"other", W/{etag}', "*"):
        again = with_etag(Response(b"{}"), if_none_match)
        assert (again.status_code, again.body, again.headers["etag"]) == (304, b"", etag)
    assert with_etag(Response(b"[]"), etag).status_code == 200
    assert with_etag(Response(b"{}", 400), etag).status_code == 400
