"""Media types, statuses and ETags of answers."""

import pytest
from graphql import GraphQLError
from starlette.responses import Response

from graph.domain.model.errors import StoreUnavailable
from schema.execution.runner import Answer, Stage
from service.http.responses import EVENTS, JSON, RESPONSE, media_type, response, validated

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
        (f"{RESPONSE};q=0.9, {JSON};q=0.8", RESPONSE),
        (f"{JSON}, {RESPONSE}", JSON),
        (f"{JSON};q=0.1,{EVENTS}", EVENTS),
        ("APPLICATION/JSON; charset=utf-8", JSON),
    ],
)
def test_the_preferred_media_type_is_chosen(accept: str, expected: str | None) -> None:
    assert media_type(accept) == expected


@pytest.mark.parametrize(
    ("answer", "audited", "draft"),
    [
        (Answer(Stage.PARSING, errors=WRONG), 400, 400),
        (Answer(Stage.VALIDATION, errors=WRONG), 400, 422),
        (Answer(Stage.EXECUTION, DATA), 200, 200),
        (Answer(Stage.EXECUTION, DATA, WRONG), 200, 294),
        (Answer(Stage.EXECUTION, None, WRONG), 200, 200),
        (Answer(Stage.METHOD, errors=WRONG), 405, 405),
        (Answer(Stage.TIME, errors=WRONG), 504, 504),
    ],
)
def test_statuses_follow_the_chosen_text(answer: Answer, audited: int, draft: int) -> None:
    assert response(answer, RESPONSE, "2025").status_code == audited
    assert response(answer, RESPONSE, "2026-08").status_code == draft
    for statuses in ("2025", "2026-08"):
        expected = audited if audited in (405, 504) else 200
        assert response(answer, JSON, statuses).status_code == expected


def test_what_may_succeed_later_is_503_with_advice() -> None:
    away = GraphQLError("away", original_error=StoreUnavailable("the database does not answer"))
    answer = response(Answer(Stage.EXECUTION, None, [away]), JSON, "2025")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


def test_an_answer_that_is_known_is_not_sent_again() -> None:
    first = validated(Response(b"{}"), "")
    etag = first.headers["etag"]
    assert (first.status_code, first.headers["cache-control"]) == (200, "private, no-cache")
    for known in (etag, f'"other", W/{etag}', "*"):
        again = validated(Response(b"{}"), known)
        assert (again.status_code, again.body, again.headers["etag"]) == (304, b"", etag)
    assert validated(Response(b"[]"), etag).status_code == 200
    assert validated(Response(b"{}", 400), etag).status_code == 400
