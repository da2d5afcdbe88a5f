"""Records of a CRM, and requests that it refuses as a whole."""

import asyncio
from collections.abc import Sequence

from service.destinations.adapter import DONE, Outcome, Status
from service.destinations.attempts import Batch
from service.destinations.records import Keys, Record, Refusal, send_together, set_values
from tests.builders.member_updates import address, by_status, people, update

EMAIL = Keys({"email": "email"}, "id", "")


class Crm:
    """Refuses each request with a record whose address is in `wrong` or with one of `unknown_fields`."""

    def __init__(self, wrong: set[str] | None = None, unknown_fields: set[str] | None = None) -> None:
        self.wrong, self.unknown_fields = wrong or set(), frozenset(unknown_fields or ())
        self.sizes: list[int] = []

    async def take(self, records: Sequence[Record]) -> Refusal | None:
        self.sizes.append(len(records))
        if unknown := self.unknown_fields & {name for record in records for name in record.values}:
            return Refusal("unknown field", records, unknown)
        if any(record.key in self.wrong for record in records):
            return Refusal("wrong", records)
        for record in records:
            record.ids = [f"id of {record.key}"]
            record.settle()
        return None


def sent(crm: Crm, batch: Batch, size: int = 100) -> list[Outcome]:
    records = EMAIL.records(batch.items)
    set_values(records, is_flag=lambda external_id: external_id.startswith("is_"))
    asyncio.run(send_together(batch, records, crm.take, size))
    return batch.outcomes()


def test_smaller_requests_find_the_records_that_are_at_fault() -> None:
    # given
    updates = people(64)
    crm = Crm(wrong={address(7), address(40)})
    # when
    outcomes = sent(crm, Batch(updates))
    # then
    assert by_status(updates, outcomes)[Status.DEAD] == {address(7), address(40)}
    assert by_status(updates, outcomes)[Status.DONE] == {u.value for u in updates} - {address(7), address(40)}
    assert len(crm.sizes) <= 24


def test_records_with_a_field_that_the_crm_does_not_have_are_refused_without_trying_each() -> None:
    # given
    crm = Crm(unknown_fields={"shoe_size"})
    updates = [*people(30, fields={"shoe_size": 44}), *[update(f"b{n}@example.com") for n in range(30)]]
    # when
    outcomes = sent(crm, Batch(updates))
    # then
    assert crm.sizes == [60, 30]
    assert [o.status for o in outcomes] == [Status.DEAD] * 30 + [Status.DONE] * 30


def test_requests_have_the_size_that_the_crm_takes() -> None:
    # given
    crm = Crm()
    # when
    outcomes = sent(crm, Batch(people(25)), size=10)
    # then
    assert crm.sizes == [10, 10, 5]
    assert outcomes[24] == Outcome(Status.DONE, reference=f"id of {address(25)}")


def test_updates_of_one_address_are_one_record() -> None:
    # given
    here = update("ann@example.com", "is_vip", fields={"name": "Ann"})
    there = update("ann@example.com", "is_new", fields={"city": "Bonn"})
    gone = update("ann@example.com", "is_lost", fields={"name": "Never"}, present=False)
    # when
    records = EMAIL.records(Batch([here, there, gone]).items)
    set_values(records, is_flag=bool)
    # then
    (record,) = records
    assert record.values == {"name": "Ann", "city": "Bonn", "is_vip": True, "is_new": True, "is_lost": False}


def test_ids_of_the_crm_are_known_by_their_prefix() -> None:
    # given
    keys = Keys({"crm_id": "id"}, "id", "hub:")
    batch = Batch(
        [
            update("hub:501", namespace="crm_id"),
            update("sf:003", namespace="crm_id"),
            update("sf:004", namespace="crm_id", present=False),
            update("ann@example.com"),
        ]
    )
    # when
    records = keys.records(batch.items)
    # then
    assert [(record.key, record.ids) for record in records] == [("501", ["501"])]
    assert [item.outcome and item.outcome.status for item in batch.items] == [
        None,
        Status.DEAD,
        Status.DONE,
        Status.DEAD,
    ]
    assert batch.items[2].outcome == DONE
