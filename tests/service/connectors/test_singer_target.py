"""Positions of a tap are told once all before them is stored, and not before."""

import asyncio
import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from graph.commands.refused_records import NO_FILTER
from graph.domain.model.errors import InvalidInput, StoreUnavailable
from graph.ports import Store
from service.config.connectors_file import ConnectorSource
from service.connectors import batches, mapping_file
from service.connectors.intake import Intake, Outcome, Result
from service.connectors.singer_target import SingerTarget, read
from tests.builders.clients import Client
from tests.builders.pipelines import MAPPING, SCHEMA, lines, record, state
from tests.builders.runs import Run

SOURCE = ConnectorSource("crm", "crm")
Piped = Callable[..., list[str]]


class Noting(Intake):
    """Notes what it takes among the positions that are told; fails at first as often as `failures` says."""

    failures = 0
    events: list[str]

    async def take(self, records: Any, beside: Any, received_at: int) -> list[Outcome]:
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("the database does not respond")
        outcomes = await super().take(records, beside, received_at)
        self.events += [record["id"] for record in records]
        return outcomes


@pytest.fixture
def client(store: Store, run: Run) -> Client:
    return Client(store, run)


@pytest.fixture
def intake(client: Client) -> Noting:
    found = Noting(client.graph, SOURCE, mapping_file.parse(MAPPING, "crm"))
    found.events = []
    return found


def told(intake: Noting) -> Callable[[str], None]:
    return lambda text: intake.events.append(f"state {json.loads(text)['bookmarks']['contacts']}")


def piped(text: str, target: SingerTarget, run: Run) -> None:
    """Let a target read a pipe."""
    reading, writing = os.pipe()

    async def both() -> None:
        await asyncio.gather(asyncio.to_thread(write), read(reading, target))

    def write() -> None:
        with os.fdopen(writing, "w") as pipe:
            pipe.write(text)

    try:
        run(both())
    finally:
        os.close(reading)


def test_a_position_follows_all_records_before_it(intake: Noting, run: Run) -> None:
    # given
    target = SingerTarget(intake, {}, told(intake))
    sent = [SCHEMA, *(one for number in range(1_100) for one in (record(number), state(number)))]
    # when
    piped(lines(*sent), target, run)
    # then
    seen: set[str] = set()
    for event in intake.events:
        if event.startswith("state "):
            assert f"C{event.removeprefix('state ')}" in seen
        seen.add(event)
    assert intake.events[-1] == "state 1099"
    assert [event for event in intake.events if event.startswith("C")] == [f"C{number}" for number in range(1_100)]
    assert target.counts == {Result.ACCEPTED: 1_100}


def test_a_store_that_is_away_is_waited_for(intake: Noting, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    # given
    monkeypatch.setattr(batches, "MIN_PAUSE", 0)
    monkeypatch.setattr(batches, "MAX_PAUSE", 0)
    intake.failures = 3
    # when
    piped(lines(SCHEMA, record(1), state(1)), SingerTarget(intake, {}, told(intake)), run)
    # then
    assert intake.events == ["C1", "state 1"]


def test_a_target_that_is_canceled_tells_no_position_that_is_not_stored(intake: Noting, run: Run) -> None:
    # given
    target = SingerTarget(intake, {}, told(intake))
    intake.failures = 10**6

    async def canceled() -> None:
        from service.connectors.singer import Messages

        messages = Messages()
        for line in lines(SCHEMA, record(1), state(1)).encode().splitlines():
            if (message := messages.read(line)) is not None:
                await target.add(message)
        flushing = asyncio.create_task(target.flush())
        await asyncio.sleep(0)
        flushing.cancel()
        await asyncio.gather(flushing, return_exceptions=True)

    # when
    run(canceled())
    # then
    assert intake.events == []
    # when: the store is back
    intake.failures = 0
    run(target.flush())
    # then
    assert intake.events == ["C1", "state 1"]


def test_what_comes_before_a_line_that_is_no_message_is_stored(intake: Noting, run: Run) -> None:
    # given
    text = lines(SCHEMA, record(1), state(1), record(2)) + '{"type": "RECO'
    # when
    with pytest.raises(InvalidInput, match="line 5 is not JSON"):
        piped(text, SingerTarget(intake, {}, told(intake)), run)
    # then
    assert intake.events == ["C1", "C2", "state 1"]


def test_streams_have_mappings_of_their_own_and_refused_records_are_kept(
    client: Client, intake: Noting, run: Run
) -> None:
    # given
    orders = MAPPING.replace("crm_id", "login")
    own = Noting(client.graph, SOURCE, mapping_file.parse(orders, "accounts"))
    own.events = intake.events
    target = SingerTarget(intake, {"accounts": own}, told(intake))
    declared = {**SCHEMA, "stream": "accounts"}
    bad = record(3, updated_at="soon")
    sent = [SCHEMA, declared, record(1), record(2, "accounts", email=None), bad, state(3)]
    # when
    piped(lines(*sent), target, run)
    # then: in their order, and a refused record does not stop the tap
    assert intake.events == ["C1", "C2", "C3", "state 3"]
    assert target.counts == {Result.ACCEPTED: 2, Result.REFUSED: 1}
    (kept,) = run(client.graph.refused.page(NO_FILTER, None, 10)).items
    assert (kept.source, kept.mapping, kept.code) == ("crm", "crm", "INVALID_FIELD")
