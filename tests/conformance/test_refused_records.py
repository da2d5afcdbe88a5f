"""Refused records in a store: the same as in a model of a dictionary, bounded, and no part of what is true."""

import random

from graph.domain.model.refused_records import RefusedCount, RefusedFilter, RefusedRecord, each_once
from graph.ports import Store
from tests.builders.refused_records import refused
from tests.builders.runs import Run
from tests.builders.stores import Fresh, second
from tests.builders.transfers import exported, fill

ALL = RefusedFilter()
SOURCES, CODES = ["shop", "till"], ["NO_VALID_IDENTIFIERS", "INVALID_VALUE", "UNMAPPED"]


class Model:
    """Refused records in a dictionary."""

    def __init__(self) -> None:
        self.records: dict[str, RefusedRecord] = {}

    def save(self, records: list[RefusedRecord], most: int) -> int:
        for record in records:
            before = self.records.get(record.id)
            self.records[record.id] = record if before is None else before.delivered_again(record)
        removed = 0
        for source in {record.source for record in records}:
            for old in self.matching(RefusedFilter(source))[most:]:
                del self.records[old.id]
                removed += 1
        return removed

    def matching(self, filter: RefusedFilter) -> list[RefusedRecord]:
        found = (
            record
            for record in self.records.values()
            if filter.source in (None, record.source)
            and filter.code in (None, record.code)
            and (filter.since is None or record.last_received_at >= filter.since)
        )
        return sorted(found, key=lambda record: record.position, reverse=True)

    def counts(self) -> list[RefusedCount]:
        groups: dict[tuple[str, str], list[RefusedRecord]] = {}
        for record in self.records.values():
            groups.setdefault((record.source, record.code), []).append(record)
        return [
            RefusedCount(*key, len(group), sum(one.count for one in group), max(one.last_received_at for one in group))
            for key, group in sorted(groups.items())
        ]


def some(dice: random.Random) -> list[RefusedRecord]:
    return each_once(
        refused(
            f"record {dice.randrange(12)}",
            dice.choice(SOURCES),
            dice.choice(CODES),
            dice.randrange(40),
            dice.choice(["", "m1"]),
            dice.choice(["a", "b ü\n"]),
            dice.choice(["segment", "shopify"]),
            dice.choice([(), ("traits", "email"), ("items", 3)]),
            dice.choice(["{}", '{"x-topic":"a"}']),
        )
        for _ in range(dice.randint(1, 6))
    )


def paged(store: Store, run: Run, filter: RefusedFilter, first: int) -> list[RefusedRecord]:
    """All refused records that meet a filter, read in pages."""
    found: list[RefusedRecord] = []
    while page := run(store.refused_records(filter, found[-1].position if found else None, first)):
        assert len(page) <= first
        found += page
    return found


def test_refused_records_are_those_of_the_model(store: Store, run: Run) -> None:
    # given
    dice, model = random.Random(1), Model()
    for _ in range(40):
        # when
        match dice.randrange(6):
            case 0:
                ids = [*dice.sample(sorted(model.records), min(2, len(model.records))), "rfr_unknown"]
                expected = sum(model.records.pop(id, None) is not None for id in ids)
                assert run(store.delete_refused_records(ids)) == expected
            case 1:
                before = dice.randrange(8)
                old = [record for record in model.matching(ALL)[::-1] if record.last_received_at < before]
                removed = run(store.delete_old_refused_records(before, 100))
                assert removed == len(old)
                for record in old:
                    del model.records[record.id]
            case _:
                records, most = some(dice), dice.choice([5, 100])
                assert run(store.save_refused_records(records, most)) == model.save(records, most)
        # then
        filter = RefusedFilter(
            dice.choice([None, *SOURCES]), dice.choice([None, *CODES]), dice.choice([None, dice.randrange(40)])
        )
        assert paged(store, run, filter, dice.randint(1, 5)) == model.matching(filter)
        assert run(store.refused_counts()) == model.counts()
    kept = sorted(model.records)
    assert run(store.refused_records_with([*reversed(kept), "rfr_unknown"])) == [model.records[id] for id in kept]
    assert [record.content for record in run(store.refused_records(ALL, None, 9, with_content=False))] == [""] * 9


def test_old_records_are_deleted_in_steps_the_oldest_first(store: Store, run: Run) -> None:
    # given
    run(store.save_refused_records([refused(f"{at}", at=at) for at in range(5)], 100))
    # when
    deleted = run(store.delete_old_refused_records(4, 3))
    # then
    assert deleted == 3
    assert [record.last_received_at for record in run(store.refused_records(ALL, None, 9))] == [4, 3]
    assert run(store.delete_old_refused_records(4, 3)) == 1


def test_refused_records_are_seen_by_every_process_at_once(store: Store, run: Run) -> None:
    # given
    other = second(store)
    # when
    run(store.save_refused_records([refused(at=1)], 100))
    run(other.save_refused_records([refused(at=2)], 100))
    # then
    for one in (store, other):
        (record,) = run(one.refused_records(ALL, None, 9))
        assert (record.received_at, record.last_received_at, record.count) == (1, 2, 2)
    run(other.close())


def test_copies_of_a_store_have_no_refused_records(fresh: Fresh, run: Run) -> None:
    # given
    store = fresh()
    run(store.save_refused_records([refused("secret")], 100))
    # when
    records = exported(store, run)
    # then
    assert "secret" not in repr(records)
    assert records == exported(fresh(), run)


def test_a_store_with_nothing_but_refused_records_can_be_loaded(store: Store, run: Run) -> None:
    # given
    run(store.save_refused_records([refused()], 100))
    # when
    fill(store, run, [])
    # then
    assert len(run(store.refused_records(ALL, None, 9))) == 1
