"""Keeping refused records: durable when the caller is told so, bounded in number and time, and gone with an erasure."""

import asyncio
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from graph.commands.refused_records import RefusedRecordControl
from graph.domain.model.dates import DAY
from graph.domain.model.errors import InvalidInput, StoreUnavailable
from graph.domain.model.refused_records import RefusedFilter, RefusedRecord
from graph.ports import Store
from graph.stores.sqlite import SQLiteStore
from tests.builders.canary_places import places
from tests.builders.clients import Client, seen
from tests.builders.erasing import by, erase
from tests.builders.graphs import FixedClock
from tests.builders.personal_inputs import CANARY, PERSON
from tests.builders.refused_records import refused
from tests.builders.runs import Run
from tests.builders.safeguards import ListSafeguards
from tests.builders.stores import second

ALL = RefusedFilter()
NOW = FixedClock().now()


class UnavailableStore(SQLiteStore):
    """A store that cannot store refused records for now."""

    is_available = False
    transactions = 0

    async def save_refused_records(self, records: Sequence[RefusedRecord], most: int) -> int:
        if not self.is_available:
            raise StoreUnavailable("the database does not respond")
        self.transactions += 1
        return await super().save_refused_records(records, most)


@pytest.fixture
def client(store: Store, run: Run) -> Client:
    client = Client(store, run, safeguards=ListSafeguards(), clock=FixedClock())
    run(client.wiring.prepare())
    return client


def control(client: Client, days: int = 14, most: int = 100, store: Store | None = None) -> RefusedRecordControl:
    graph = client.graph
    return RefusedRecordControl(
        store or client.wiring.store,
        FixedClock(),
        graph.write_gate,
        lambda: graph.rules,
        graph.erasures.tombstone_rules,
        days,
        most,
    )


def contents(control: RefusedRecordControl, run: Run) -> list[str]:
    return [record.content for record in run(control.page(ALL, None, 100)).items]


def test_refused_records_are_kept_and_shown_newest_first(client: Client, run: Run) -> None:
    # when
    run(client.graph.refused.keep([refused("a", at=1), refused("b", at=3)]))
    run(client.graph.refused.keep([refused("a", at=2), refused("c", source="till", at=1)]))
    # then
    page = run(client.graph.refused.page(ALL, None, 2))
    assert [(record.content, record.count) for record in page.items] == [("b", 1), ("a", 2)]
    assert page.has_more
    rest = run(client.graph.refused.page(ALL, page.items[-1].position, 2))
    assert ([record.content for record in rest.items], rest.has_more) == (["c"], False)
    counts = run(client.graph.refused.counts())
    assert [(count.source, count.records, count.deliveries) for count in counts] == [("shop", 2, 3), ("till", 1, 1)]
    assert client.graph.refused.deliveries == {("shop", "NO_VALID_IDENTIFIERS"): 3, ("till", "NO_VALID_IDENTIFIERS"): 1}


def test_records_of_several_callers_share_a_transaction(run: Run, tmp_path) -> None:
    # given
    store = UnavailableStore(tmp_path / "kith.db")
    store.is_available = True
    run(store.migrate())
    client = Client(store, run)
    refused_records = control(client)

    async def flood() -> None:
        await asyncio.gather(*(refused_records.keep([refused(f"{number}")]) for number in range(100)))

    # when
    run(flood())
    # then
    assert len(contents(refused_records, run)) == 100
    assert store.transactions == 1
    run(store.close())


def test_what_cannot_be_kept_is_reported_to_every_caller_and_counted_once_it_is(run: Run, tmp_path) -> None:
    # given
    store = UnavailableStore(tmp_path / "kith.db")
    run(store.migrate())
    refused_records = control(Client(store, run))

    async def keep_both() -> list[object]:
        calls = (refused_records.keep([refused(text)]) for text in "ab")
        return await asyncio.gather(*calls, return_exceptions=True)

    # when
    answers = run(keep_both())
    # then
    assert [type(answer) for answer in answers] == [StoreUnavailable, StoreUnavailable]
    assert not refused_records.deliveries
    # when the sources send them again
    store.is_available = True
    assert run(keep_both()) == [None, None]
    # then
    assert sorted(contents(refused_records, run)) == ["a", "b"]
    assert refused_records.deliveries.total() == 2
    run(store.close())


def test_a_caller_that_is_canceled_does_not_take_the_records_of_others_along(client: Client, run: Run) -> None:
    async def cancel_one() -> None:
        first = asyncio.create_task(client.graph.refused.keep([refused("a")]))
        other = asyncio.create_task(client.graph.refused.keep([refused("b")]))
        await asyncio.sleep(0)
        first.cancel()
        await other

    # when
    run(cancel_one())
    # then
    assert set(contents(client.graph.refused, run)) == {"a", "b"}


def test_without_days_records_are_counted_and_not_kept(client: Client, run: Run) -> None:
    # given
    run(client.graph.refused.keep([refused("before", at=NOW - 1)]))
    refused_records = control(client, days=0)
    # when
    run(refused_records.keep([refused("a"), refused("a")]))
    # then
    assert refused_records.deliveries == {("shop", "NO_VALID_IDENTIFIERS"): 2}
    assert contents(refused_records, run) == ["before"]
    # when, then: what was kept before goes
    assert run(refused_records.remove_expired()) == 1
    assert contents(refused_records, run) == []


def test_the_newest_of_each_source_stay(client: Client, run: Run) -> None:
    # given
    refused_records = control(client, most=3)
    run(refused_records.keep([refused("other", source="till", at=1)]))
    # when
    for at in range(5):
        run(refused_records.keep([refused(f"{at}", at=at)]))
    # then
    assert contents(refused_records, run) == ["4", "3", "2", "other"]
    assert refused_records.displaced == 2


def test_records_go_when_they_were_not_delivered_for_their_days(client: Client, run: Run) -> None:
    # given
    old, edge = refused("old", at=NOW - 14 * DAY - 1), refused("edge", at=NOW - 14 * DAY)
    again = replace(refused("again", at=NOW - 20 * DAY), last_received_at=NOW - DAY)
    run(client.graph.refused.keep([old, edge, again]))
    # when
    removed = run(client.graph.refused.remove_expired())
    # then
    assert removed == 1
    assert contents(client.graph.refused, run) == ["again", "edge"]


def test_records_are_deleted_by_id_and_by_source(client: Client, run: Run) -> None:
    # given
    records = [refused("a"), refused("b"), refused("c", source="till")]
    run(client.graph.refused.keep(records))
    # when, then
    assert run(client.graph.refused.delete([records[0].id, records[0].id, "rfr_unknown"])) == 1
    assert run(client.graph.refused.delete_all(RefusedFilter(source="till"))) == 1
    assert contents(client.graph.refused, run) == ["b"]
    with pytest.raises(InvalidInput, match="ids holds 0 entries"):
        run(client.graph.refused.delete([]))


def test_an_erasure_takes_the_refused_records_along_that_name_the_person(
    client: Client, store: Store, run: Run
) -> None:
    # given
    client.link(seen(f"email={PERSON}", f"cookie={CANARY}-cookie", at="2026-01-01T00:00:00Z"))
    refused_records = client.graph.refused
    of_person = [
        refused(f'{{"traits": {{"email": "{PERSON.upper()}"}}, "name": "{CANARY}"}}', at=NOW),
        refused(f'{{"anonymousId": "{CANARY}-cookie"}}', at=NOW),
        refused("{}", message=f"email {PERSON!r} has no domain", at=NOW),
        refused("[]", record_id=f"{CANARY}-cookie", at=NOW),
        refused("[1]", beside=f'{{"query.email": "{PERSON}"}}', at=NOW),
    ]
    run(refused_records.keep([*of_person, refused('{"email": "other@example.com"}', at=NOW)]))
    # when
    erase(client, by=by(f"email={PERSON}"))
    # then
    assert contents(refused_records, run) == ['{"email": "other@example.com"}']
    assert run(places(store)) == {}
    # when they are delivered again, to another process, too
    other = second(store)
    for control_of in (refused_records, control(client, store=other)):
        run(control_of.keep(of_person))
    # then
    assert contents(refused_records, run) == ['{"email": "other@example.com"}']
    assert refused_records.deliveries.total() == 11
    assert run(places(store)) == {}
    run(other.close())


def test_the_next_start_finishes_an_erasure_that_was_cut_off(client: Client, store: Store, run: Run) -> None:
    # given a record that names the person in the store of a process that was killed after the commit
    client.link(seen(f"email={PERSON}", at="2026-01-01T00:00:00Z"))
    erase(client, by=by(f"email={PERSON}"))
    run(store.save_refused_records([refused(PERSON)], 100))
    run(store.put_value("erasure_cleaning", "ers_1"))
    # when
    again = Client(store, run, safeguards=ListSafeguards(), clock=FixedClock())
    run(again.wiring.prepare())
    run(again.graph.erasures.open())
    again.clean_up()
    # then
    assert contents(again.graph.refused, run) == []
