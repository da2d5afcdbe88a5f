"""Snapshots of audiences through the whole way: store, ledger, sender and files, as a receiver reads them."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from graph.commands import snapshots
from graph.domain.model.audiences import Audience, DestinationInfo, Outcome
from graph.domain.model.dates import DAY
from graph.domain.profile.attributes import AttributesStatement
from graph.domain.profile.catalog import Catalog
from graph.domain.profile.consents import ConsentStatement, Decision
from graph.identity_graph import IdentityGraph
from graph.ports import Store
from service.destinations import snapshot_sender
from service.destinations.adapter import AudienceRef, MemberUpdate, Unavailable
from service.destinations.files.adapter import FilesAdapter
from service.destinations.lease import Lease
from service.destinations.sender import Sender
from tests.builders.file_drops import Clock, Receiver, settings
from tests.builders.graphs import NOW, CountingIds, small_rules
from tests.builders.runs import Run

CATALOG = Catalog(channels={"EMAIL": ("mail",)})


class GraphClock:
    """The clock of the adapter, as the graph reads it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> int:
        return self._clock.now


class Refusing(FilesAdapter):
    """Is unavailable for the first snapshot."""

    refused = False

    async def send_snapshot(self, audience: AudienceRef, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        if not self.refused:
            self.refused = True
            raise Unavailable("not now")
        return await super().send_snapshot(audience, updates)


class World:
    """A segment of everybody, whose members' mail addresses go to files."""

    def __init__(self, store: Store, folder: Path, run: Run, **more: Any) -> None:
        self.folder, self._run, self.clock = folder, run, Clock(NOW)
        infos = [DestinationInfo("letters", "files")]
        clock = GraphClock(self.clock)
        self.graph = IdentityGraph(
            store, small_rules(), clock, CountingIds(), frozenset(), catalog=CATALOG, destinations=infos
        )
        self.adapter = Refusing(settings(folder, **more), self.clock)
        self.adapter.refused = True
        self.sender = Sender(self.graph, "letters", self.adapter, Lease(store, clock, "letters"))
        segment = run(self.graph.segments.create("All", {"hasNamespace": "mail"}, "tester"))
        audience = Audience("", "letters", segment.id, "newsletter", "EMAIL", (), "all", {"name": "given_name"})
        self.audience = run(self.graph.audiences.create(audience))

    def say(self, decision: Decision, *people: str) -> None:
        """Record decisions of people, with their names."""
        self.clock.now += 1_000_000
        keys = [(("mail", f"{name}@x.example"),) for name in people]
        consents = [
            ConsentStatement("shop", key, "newsletter", decision, decided_at=self.clock.now, channel="EMAIL")
            for key in keys
        ]
        names = [AttributesStatement("shop", key, {"given_name": name}) for key, name in zip(keys, people, strict=True)]
        results = [*self._run(self.graph.record_attributes(names)), *self._run(self.graph.record_consents(consents))]
        assert len(results) == 2 * len(people)
        self._run(self.graph.segment_worker.catch_up())

    def send(self) -> None:
        """Send until nothing is owed."""
        while self._run(self.sender.step()):
            pass

    @property
    def kinds(self) -> list[str]:
        return [manifest["kind"] for manifest in Receiver(self.folder).manifests()]

    @property
    def members(self) -> set[str]:
        return {value.removesuffix("@x.example") for value in Receiver(self.folder).members().get("all", {})}


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    """A folder for files."""
    (tmp_path / "drop").mkdir()
    return tmp_path / "drop"


@pytest.fixture
def world(store: Store, drop: Path, run: Run) -> World:
    """A destination that wants a snapshot a day, and has had its first, of nobody."""
    world = World(store, drop, run, snapshot_hours=24)
    world.send()
    return world


def test_a_segment_goes_to_files_and_consent_withdrawn_takes_an_address_out(store: Store, drop: Path, run: Run) -> None:
    # given
    world = World(store, drop, run)
    # when
    world.say(Decision.GIVEN, "ann", "ben", "cem")
    world.send()
    # then
    rows = Receiver(drop).members()["all"]
    assert {row["name"] for row in rows.values()} == {"ann", "ben", "cem"}
    # when
    world.say(Decision.WITHDRAWN, "ben")
    world.send()
    # then
    assert world.members == {"ann", "cem"}
    assert world.kinds == ["delta", "delta"]


def test_snapshots_are_written_once_a_day_and_change_nothing(world: World) -> None:
    # given
    world.say(Decision.GIVEN, "ann", "ben")
    world.send()
    assert world.kinds == ["snapshot", "delta"]
    # when
    for _ in range(3):
        world.clock.now += DAY // 2
        world.send()
    # then
    assert world.kinds == ["snapshot", "delta", "snapshot"]
    assert world.members == {"ann", "ben"}


def test_a_resync_ends_with_a_snapshot_that_takes_out_who_should_not_be_there(
    store: Store, drop: Path, run: Run
) -> None:
    # given
    world = World(store, drop, run)
    world.say(Decision.GIVEN, "ann", "ben")
    world.send()
    world.say(Decision.WITHDRAWN, "ben")
    world.send()
    # when
    for path in sorted(drop.iterdir())[2:]:
        path.unlink()
    assert world.members == {"ann", "ben"}
    run(world.graph.audiences.resync("letters"))
    world.send()
    # then
    assert world.members == {"ann"}
    assert world.kinds == ["delta", "delta", "snapshot"]


def test_an_unavailable_destination_gets_its_snapshot_later(world: World, run: Run) -> None:
    # given
    world.say(Decision.GIVEN, "ann")
    world.send()
    world.adapter.refused = False
    world.clock.now += DAY
    # when
    with pytest.raises(Unavailable):
        world.send()
    world.say(Decision.WITHDRAWN, "ann")
    world.say(Decision.GIVEN, "ben")
    world.send()
    # then
    assert world.members == {"ben"}
    assert world.kinds[-1] == "snapshot"


def test_who_changes_while_a_snapshot_is_collected_is_right_after_it(world: World, run: Run) -> None:
    # given
    people = [f"p{n}" for n in range(5)]
    world.say(Decision.GIVEN, *people)
    world.send()
    world.clock.now += DAY
    audience = world.audience
    targets, after = run(world.graph.snapshots.collect(audience, None))
    assert (len(targets), after) == (5, None)
    # when
    world.say(Decision.WITHDRAWN, "p0")
    world.say(Decision.GIVEN, "p5")
    begun = run(world.graph.snapshots.begin(audience, {target.key: target for target in targets}))
    # then
    assert {target.key for _, target in begun} == {f"mail={name}@x.example" for name in people[1:]}
    # when
    world.send()
    # then
    assert world.members == {"p1", "p2", "p3", "p4", "p5"}


def test_an_audience_that_ended_has_no_snapshots_anymore(world: World, run: Run) -> None:
    # given
    world.say(Decision.GIVEN, "ann")
    world.send()
    # when
    run(world.graph.audiences.end(world.audience.id))
    world.clock.now += DAY
    world.send()
    # then
    assert world.members == set()
    assert world.kinds == ["snapshot", "delta", "delta"]


def test_a_large_audience_is_collected_in_pages(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # given
    people = [f"p{n}" for n in range(5)]
    world.say(Decision.GIVEN, *people)
    world.send()
    # when
    monkeypatch.setattr(snapshots, "PAGE_SIZE", 2)
    world.clock.now += DAY
    world.send()
    # then
    assert world.kinds == ["snapshot", "delta", "snapshot"]
    assert world.members == {*people}


def test_an_audience_that_is_too_large_has_no_snapshot(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # given
    world.say(Decision.GIVEN, "ann", "ben")
    # when
    monkeypatch.setattr(snapshot_sender, "MAX_ADDRESSES", 1)
    world.clock.now += DAY
    world.send()
    # then
    assert world.kinds == ["snapshot", "delta"]
    assert world.members == {"ann", "ben"}


@pytest.mark.parametrize("fresh", ["sqlite"], indirect=True)
def test_old_files_are_deleted_while_sending_is_paused(world: World, run: Run) -> None:
    # given
    world.say(Decision.GIVEN, "ann")
    world.send()
    run(world.graph.audiences.pause("letters"))
    world.clock.now += 15 * DAY

    async def run_until_deleted() -> None:
        task = asyncio.create_task(world.sender.run())
        while await asyncio.to_thread(lambda: list(world.folder.iterdir())):
            assert not task.done()
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])

    # when
    run(run_until_deleted())
    # then
    assert world.kinds == []
