"""Segments of third parties: shown with their source until they expire; they move with their identifiers."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.builders.clients import RESULT, Client, identifiers, seen
from tests.builders.operations import set_override
from tests.builders.runs import Run
from tests.builders.stores import Fresh

RECORD = f"mutation($input: RecordExternalSegmentsInput!) {{ recordExternalSegments(input: $input) {{ {RESULT} }} }}"
FIELDS = "externalSegments { segment source party expiresAt identifier { value } }"


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    client = Client(fresh(), run)
    client.link(seen("cookie=ck-1", "email=ann@example.com"))
    return client


def from_now(**time: float) -> str:
    return (datetime.now(UTC) + timedelta(**time)).strftime("%Y-%m-%dT%H:%M:%SZ")


def record(client: Client, *statements: dict[str, Any]) -> list[dict[str, Any]]:
    return client.ask(RECORD, {"input": {"segments": statements}})["recordExternalSegments"]["results"]


def segment(name: str, *keys: str, source: str = "dmp", **more: Any) -> dict[str, Any]:
    return {"source": source, "identifiers": identifiers(*(keys or ("cookie=ck-1",))), "segment": name, **more}


def shown(client: Client, key: str = "email=ann@example.com") -> list[str]:
    return [segment["segment"] for segment in client.customer(key, FIELDS)["externalSegments"]]


def test_they_are_shown_until_they_expire(client: Client) -> None:
    # given
    future = from_now(days=3)
    record(
        client,
        segment("car buyers", expiresAt=future, reportedAt="2026-01-03T00:00:00Z"),
        segment("parents", reportedAt="2026-01-02T00:00:00Z"),
        segment("expired", expiresAt=from_now(days=-1), reportedAt="2026-01-01T00:00:00Z"),
    )
    # then
    assert shown(client) == ["car buyers", "parents"]
    assert client.customer("email=ann@example.com", FIELDS)["externalSegments"][0] == {
        "segment": "car buyers",
        "source": "dmp",
        "party": "THIRD_PARTY",
        "expiresAt": future,
        "identifier": {"value": "ck-1"},
    }


def test_the_newest_statement_of_a_source_is_in_effect(client: Client) -> None:
    record(client, segment("parents", reportedAt="2026-01-01T00:00:00Z", expiresAt=from_now(days=9)))
    record(client, segment("parents", source="other", reportedAt="2026-01-01T00:00:00Z"))
    record(client, segment("parents", reportedAt="2026-01-05T00:00:00Z", isMember=False))
    segments = client.customer("email=ann@example.com", FIELDS)["externalSegments"]
    assert [segment["source"] for segment in segments] == ["other"]
    record(client, segment("parents", source="other", reportedAt="2026-01-06T00:00:00Z", expiresAt=from_now(hours=-1)))
    assert shown(client) == []


def test_they_move_with_the_cookie(client: Client) -> None:
    record(client, segment("parents"))
    set_override(client, "keepApart", "cookie=ck-1", "email=ann@example.com")
    assert shown(client) == []
    assert shown(client, "cookie=ck-1") == ["parents"]


@pytest.mark.parametrize(
    ("values", "code", "path"),
    [
        ({"segment": ""}, "INVALID_LENGTH", ["segment"]),
        ({"segment": "s" * 201}, "INVALID_LENGTH", ["segment"]),
        ({"expiresAt": "later"}, "INVALID_TIMESTAMP", ["expiresAt"]),
        ({"reportedAt": "2999-01-01T00:00:00Z"}, "TIMESTAMP_IN_FUTURE", ["reportedAt"]),
    ],
)
def test_an_invalid_statement_is_rejected_alone(client: Client, values: dict, code: str, path: list) -> None:
    rejected, accepted = record(client, segment("invalid") | values, segment("valid"))
    assert (rejected["problem"]["code"], rejected["problem"]["path"]) == (code, path)
    assert accepted["status"] == "VALID"
    assert shown(client) == ["valid"]
