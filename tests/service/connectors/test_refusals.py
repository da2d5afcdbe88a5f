"""Refused records are kept so that they can be taken again."""

from pathlib import Path

from graph.domain.model.errors import Problem
from graph.domain.model.refused_records import RefusedFilter
from service.connectors import mapping_file
from service.connectors.refusals import must_not_be_kept, refused, sent
from tests.builders.connectors import BACKEND_KEY, connected, event, post
from tests.builders.runs import Run
from tests.builders.stores import Fresh

MAPPING = """
id = "id"
[[statement]]
kind = "observation"
when = { "@x-topic" = "customers" }
[statement.identifiers]
email = "email"
"""
PROBLEM = Problem("NOT_MAPPED", "no statement takes it")


def test_a_record_is_kept_with_what_its_mapping_reads_beside_it() -> None:
    # given
    mapping = mapping_file.parse(MAPPING, "own")
    beside = {"x-topic": "orders", "user-agent": "x"}
    for record in ({"id": 7, "email": "ann@example.com"}, "a text", ["a list"]):
        # when
        kept = refused("shop", mapping, record, beside, PROBLEM, 5)
        # then
        assert sent(kept) == (record, {"x-topic": "orders"})
        assert (kept.source, kept.mapping, kept.code) == ("shop", "own", "NOT_MAPPED")
    assert refused("shop", mapping, {"id": 7}, {}, PROBLEM, 5).record_id == "7"


def test_a_record_that_is_too_long_is_kept_cut() -> None:
    mapping = mapping_file.parse(MAPPING, "own")
    assert refused("shop", mapping, {"id": "x" * 40_000}, {}, PROBLEM, 5).is_cut


def test_what_must_not_be_stored_is_not_kept() -> None:
    assert must_not_be_kept([PROBLEM, Problem("CONSENT_REQUIRED", "no consent")])
    assert not must_not_be_kept([PROBLEM])


def test_the_door_keeps_what_it_refuses(fresh: Fresh, run: Run, tmp_path: Path) -> None:
    # given
    client = connected(fresh(), run, tmp_path)
    nameless = event("track", "m-1", event="Clicked")
    # when it is delivered twice
    for _ in range(2):
        answer = post(client, "/in/backend", {"batch": [nameless, event("identify", "m-2", userId="u-1")]}).json()
        assert (answer["refused"], answer["problems"][0]["record"]) == (1, 0)
    # then it is kept once
    page = run(client.graph.refused.page(RefusedFilter(), None, 10))
    (kept,) = page.items
    assert (kept.source, kept.mapping, kept.record_id, kept.count) == ("backend", "segment", "m-1", 2)
    assert sent(kept)[0] == nameless


def test_the_key_in_a_body_is_not_kept(fresh: Fresh, run: Run, tmp_path: Path) -> None:
    # given the key of a server beside its events, and in them
    client = connected(fresh(), run, tmp_path)
    nameless = event("track", "m-1", event="Clicked") | {"writeKey": BACKEND_KEY}
    # when
    answers = [post(client, "/v1/track", nameless, key="")]
    answers.append(post(client, "/v1/batch", {"batch": [nameless, 7], "writeKey": BACKEND_KEY}, key=""))
    # then
    assert [answer.json()["refused"] for answer in answers] == [1, 2]
    page = run(client.graph.refused.page(RefusedFilter(), None, 10))
    assert len(page.items) == 2
    assert not [kept for kept in page.items if BACKEND_KEY in kept.content + kept.beside]
