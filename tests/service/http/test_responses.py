"""Media types, statuses and ETags of responses."""

import pytest
from graphql import GraphQLError
from starlette.responses import Response

from graph.domain.model.errors import StoreUnavailable
from schema.execution.runner import ExecutionAnswer, Stage
from service.http.responses import EVENT_STREAM, GRAPHQL_RESPONSE_JSON, JSON, media_type, response, with_etag

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


def test_a_cached_response_is_not_sent_again() -> None:
    first = with_etag(Response(b"{}"), "")
    etag = first.headers["etag"]
    assert (first.status_code, first.headers["cache-control"]) == (200, "private, no-cache")
    for if_none_match in (etag, f'"other", W/{etag}', "*"):
        again = with_etag(Response(b"{}"), if_none_match)
        assert (again.status_code, again.body, again.headers["etag"]) == (304, b"", etag)
    assert with_etag(Response(b"[]"), etag).status_code == 200
    assert with_etag(Response(b"{}", 400), etag).status_code == 400
