"""Segments of third parties: shown with their origin until they expire, and carried along with their identifiers."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.builders.clients import RESULT, Client, identifiers, seen
from tests.builders.operations import mark
from tests.builders.runs import Run
from tests.builders.stores import Fresh

RECORD = f"mutation($input: RecordOutsideSegmentsInput!) {{ recordOutsideSegments(input: $input) {{ {RESULT} }} }}"
FIELDS = "outsideSegments { segment source party expiresAt identifier { value } }"


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    client = Client(fresh(), run)
    client.link(seen("cookie=ck-1", "email=ann@example.com"))
    return client


def away(**more: float) -> str:
    return (datetime.now(UTC) + timedelta(**more)).strftime("%Y-%m-%dT%H:%M:%SZ")


def say(client: Client, *statements: dict[str, Any]) -> list[dict[str, Any]]:
    return client.ask(RECORD, {"input": {"segments": statements}})["recordOutsideSegments"]["results"]


def segment(name: str, *keys: str, source: str = "dmp", **more: Any) -> dict[str, Any]:
    return {"source": source, "identifiers": identifiers(*(keys or ("cookie=ck-1",))), "segment": name, **more}


def shown(client: Client, key: str = "email=ann@example.com") -> list[str]:
    return [one["segment"] for one in client.customer(key, FIELDS)["outsideSegments"]]


def test_they_are_shown_until_they_expire(client: Client) -> None:
    # given
    ahead = away(days=3)
    say(
        client,
        segment("car buyers", expiresAt=ahead, statedAt="2026-01-03T00:00:00Z"),
        segment("parents", statedAt="2026-01-02T00:00:00Z"),
        segment("gone", expiresAt=away(days=-1), statedAt="2026-01-01T00:00:00Z"),
    )
    # then
    assert shown(client) == ["car buyers", "parents"]
    assert client.customer("email=ann@example.com", FIELDS)["outsideSegments"][0] == {
        "segment": "car buyers",
        "source": "dmp",
        "party": "THIRD",
        "expiresAt": ahead,
        "identifier": {"value": "ck-1"},
    }


def test_the_newest_word_of_a_source_counts(client: Client) -> None:
    say(client, segment("parents", statedAt="2026-01-01T00:00:00Z", expiresAt=away(days=9)))
    say(client, segment("parents", source="other", statedAt="2026-01-01T00:00:00Z"))
    say(client, segment("parents", statedAt="2026-01-05T00:00:00Z", belongs=False))
    found = client.customer("email=ann@example.com", FIELDS)["outsideSegments"]
    assert [one["source"] for one in found] == ["other"]
    say(client, segment("parents", source="other", statedAt="2026-01-06T00:00:00Z", expiresAt=away(hours=-1)))
    assert shown(client) == []


def test_they_go_with_the_cookie(client: Client) -> None:
    say(client, segment("parents"))
    mark(client, "keepApart", "cookie=ck-1", "email=ann@example.com")
    assert shown(client) == []
    assert shown(client, "cookie=ck-1") == ["parents"]


@pytest.mark.parametrize(
    ("values", "code", "path"),
    [
        ({"segment": ""}, "BAD_LENGTH", ["segment"]),
        ({"segment": "s" * 201}, "BAD_LENGTH", ["segment"]),
        ({"expiresAt": "later"}, "BAD_DATE", ["expiresAt"]),
        ({"statedAt": "2999-01-01T00:00:00Z"}, "IN_THE_FUTURE", ["statedAt"]),
    ],
)
def test_a_bad_statement_costs_only_itself(client: Client, values: dict, code: str, path: list) -> None:
    refused, taken = say(client, segment("bad") | values, segment("good"))
    assert (refused["problem"]["code"], refused["problem"]["path"]) == (code, path)
    assert taken["standing"] == "VALID"
    assert shown(client) == ["good"]
