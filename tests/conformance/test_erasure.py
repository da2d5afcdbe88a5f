"""Erasure on each store: the same graph as the model's, tombstones that no write overlooks, and nothing left behind."""

import asyncio
import random
from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from graph.commands.commit import CommandResult, commit
from graph.commands.erase import ErasureRequest, Planned, erase
from graph.domain.model.dates import DAY, SECOND
from graph.domain.model.erasures import Acknowledgement, Erasure, HeldOrder, KeptCount
from graph.domain.model.identifiers import namespace_of
from graph.domain.model.observations import Observation
from graph.domain.model.orders import Order, OrderStatus
from graph.domain.model.receipts import Receipt
from graph.domain.model.rules import Rules
from graph.domain.model.store_values import CustomerKeys, Neighborhood, Writes
from graph.domain.model.tombstones import Tombstone, TombstoneMode
from graph.domain.profile.pages import ById, ByKey, CustomerRef
from graph.domain.resolution.preparation import Command
from graph.domain.resolution.scenario import sorted_customers
from graph.ports import ReadCustomerKeys, ReadErasures, ReadNeighborhood, Store, Work, Write
from service.runtime.ids import RandomIds
from tests.builders.erasing_steps import EraseAt, do, request_of, returning, steps
from tests.builders.erasure_requests import erasure_request
from tests.builders.graphs import NOW, TOMBSTONE_RULES, CountingIds, Graph, observe, revoke, seen, stated
from tests.builders.runs import Run
from tests.builders.store_contents import comparable, read_all
from tests.builders.stores import Fresh, second
from tests.builders.strategies import GUARDED_RULES, KEYS, RULES, SETTINGS
from tests.builders.transfers import comparable as comparable_records
from tests.builders.transfers import exported, fill
from tests.builders.verifications import found, verified

Step = Command | EraseAt
HASHES = [TOMBSTONE_RULES.keys.hash(key) for key in KEYS]


def do_both(store: Store, run: Run, model: Graph, ids: CountingIds, step: Step) -> None:
    """Carry out a step in a store and in the model."""
    if isinstance(step, EraseAt):
        request = request_of(step, ids.erasure())
        run(store.write(lambda: erase(request, model.rules, 0, TOMBSTONE_RULES, model.now, ids)))
        do(model, step)
        return
    do(model, step)
    run(store.write(lambda: commit([step], model.rules, model.now, ids, tombstone_rules=TOMBSTONE_RULES)))


def read_erasure_state():
    neighborhood, region = yield from read_all(KEYS)
    marks = yield ReadNeighborhood(tombstones=HASHES)
    return comparable(region, neighborhood), marks.tombstones, marks.held_orders


def statement_of(receipt: Receipt) -> Receipt:
    """A receipt without its facts, which are part of `sent`."""
    return replace(receipt, facts="", fact_holders=())


@settings(SETTINGS, max_examples=80)
@given(sequence=steps, rules=st.sampled_from([RULES, GUARDED_RULES]))
def test_erasures_between_other_writes_give_the_graph_of_the_model(
    fresh: Fresh, run: Run, sequence: Sequence[Step], rules: Rules
) -> None:
    # given
    store, model, ids = fresh(), Graph(returning(rules)), CountingIds()
    # when
    for step in sequence:
        do_both(store, run, model, ids, step)
    # then
    assert run(store.write(read_erasure_state)) == model.store.run(read_erasure_state)
    stored = run(store.receipts(None, 10_000))
    assert [statement_of(receipt) for receipt in stored] == [
        statement_of(receipt) for _, receipt in sorted(model.store.receipts.items())
    ]
    assert [entry.change for entry in run(store.changes(0, 10_000))] == model.store.changes
    assert run(store.identifier_keys("", 10_000)) == sorted(model.store.members)
    assert run(store.check_storage()) == []
    assert run(store.erasures(None, 10_000)) == sorted(
        model.store.erasures.values(), key=lambda erasure: (erasure.at, erasure.id)
    )


@settings(SETTINGS, max_examples=25)
@given(sequence=steps)
def test_an_erased_store_is_verified(fresh: Fresh, run: Run, sequence: Sequence[Step]) -> None:
    # given
    store, rules, ids = fresh(), returning(RULES), CountingIds()
    run(store.save_rules("any text", 0, NOW))
    for step in sequence:
        if isinstance(step, EraseAt):
            request = request_of(step, ids.erasure())
            run(store.write(lambda request=request: erase(request, rules, 1, TOMBSTONE_RULES, NOW, ids)))
        else:
            run(store.write(lambda step=step: commit([step], rules, NOW, ids, 1, TOMBSTONE_RULES)))
    # then
    assert found(verified(store, run, rules)) == {}


def test_identifiers_that_an_erased_customer_leaves_behind_are_verified(store: Store, run: Run) -> None:
    # given: a phone that only the report of an order named
    rules = RULES
    run(store.save_rules("any text", 0, NOW))
    order = Order("7", "shop", SECOND, SECOND, "EUR", Decimal(3), OrderStatus.PLACED)
    report = observe(order.observation((("phone", "1"), ("mail", "a"))), rules)
    run(store.write(lambda: commit([report], rules, NOW, CountingIds(), 1, TOMBSTONE_RULES)))
    # when: the report goes as a whole
    request = erasure_request(("mail=a", "order=7"), NOW, TombstoneMode.ERASED, "ers_1")
    run(store.write(lambda: erase(request, rules, 1, TOMBSTONE_RULES, NOW, CountingIds(9))))
    # then
    assert run(store.customer_ids_of(["phone=1"])) == [""]
    assert found(verified(store, run, rules)) == {}


@settings(SETTINGS, max_examples=15)
@given(sequence=steps)
def test_a_copy_drops_what_its_original_drops(fresh: Fresh, run: Run, sequence: Sequence[Step]) -> None:
    # given
    rules = returning(RULES)
    store, model, ids = fresh(), Graph(rules), CountingIds()
    for step in sequence:
        do_both(store, run, model, ids, step)
    records = exported(store, run)
    # when
    copy = fresh()
    fill(copy, run, records)
    # then
    assert comparable_records(exported(copy, run)) == comparable_records(records)
    assert run(copy.count_records()) == len(records)
    # when: everything arrives again
    for step in sequence:
        if not isinstance(step, EraseAt):
            do_both(copy, run, model, ids, step)
    # then
    assert run(copy.write(read_erasure_state)) == model.store.run(read_erasure_state)


def put(**parts: object) -> Work[None]:
    """A write of these parts alone."""
    yield Write(Writes(**parts))


def tombstone(key: str, at: int = 5, **values: object) -> Tombstone:
    made = Tombstone(TOMBSTONE_RULES.keys.hash(key), namespace_of(key), at, TombstoneMode.ERASED, 1, 0, "ers_1")
    return replace(made, **values)


def erasure(number: int, *customers: str) -> Erasure:
    kept = (KeptCount("cookie", "SHARED", 2),)
    counts = {"identifiers": 3, "held_orders": 1}
    return Erasure(
        f"ers_{number}", f"request {number}", TombstoneMode.ERASED, NOW + number, "officer", "she asked", "ab",
        customers, (tombstone("mail=a").hash,), counts, kept, NOW + DAY, "tax law",
    )  # fmt: skip


def held(number: str, **values: object) -> HeldOrder:
    order = HeldOrder(TOMBSTONE_RULES.keys.hash(f"order={number}"), number, "shop", 7, "{}", NOW + DAY, "ers_1")
    return replace(order, **values)


def see(store: Store, run: Run, *observations: Observation, rules: Rules = RULES) -> list[CommandResult]:
    commands = [observe(observation, rules) for observation in observations]
    return run(store.write(lambda: commit(commands, rules, NOW, RandomIds(), tombstone_rules=TOMBSTONE_RULES)))


def erased(store: Store, run: Run, request: ErasureRequest) -> Planned:
    """An erasure, planned and carried out."""

    def carry_out(request: ErasureRequest) -> Planned:
        return run(store.write(lambda: erase(request, RULES, 0, TOMBSTONE_RULES, NOW, RandomIds())))

    planned = carry_out(request)
    return carry_out(replace(request, plan_hash=planned.plan.hash, erasure=planned.draft))


def test_erasures_are_found_by_their_id_their_request_and_their_customers(store: Store, run: Run) -> None:
    # given
    first, second, third = erasure(1, "cus_1", "cus_2"), erasure(2), erasure(3, "cus_3")
    for stored in (second, third, first):
        run(store.write(lambda stored=stored: put(erasures=[stored])))
    # then
    assert run(store.erasures(None, 2)) == [first, second]
    assert run(store.erasures((second.at, second.id), 2)) == [third]
    assert run(store.erasure("ers_1")) == run(store.erasure("request 1")) == first
    assert run(store.erasure("ers_4")) is None
    assert run(store.erasure_of_customer("cus_2")) == first
    assert run(store.erasure_of_customer("cus_4")) is None
    # when: a service acknowledges it
    acknowledged = replace(first, acknowledgements=(Acknowledgement("newsletter", NOW),))
    run(store.write(lambda: put(erasures=[acknowledged])))
    # then
    assert run(store.erasure("request 1")) == run(store.erasure_of_customer("cus_1")) == acknowledged
    assert len(run(store.erasures(None, 10))) == 3


def test_tombstones_are_found_by_their_hashes(store: Store, run: Run) -> None:
    # given
    a, b = tombstone("mail=a"), tombstone("mail=b", key_version=2, rules_version=3)
    run(store.write(lambda: put(tombstones=[a, b])))
    # when
    lifted = replace(a, at=9, mode=TombstoneMode.SUPPRESSED, lifted_at=11)
    run(store.write(lambda: put(tombstones=[lifted])))
    # then
    assert run(store.tombstones([a.hash, tombstone("mail=c").hash])) == [lifted]
    assert sorted(run(store.tombstone_versions())) == [(1, 0), (2, 3)]
    # then: a write reads them too
    neighborhood = run(store.write(lambda: read_tombstones([a.hash, b.hash])))
    assert neighborhood.tombstones == {a.hash: lifted, b.hash: b}


def read_tombstones(hashes: Sequence[str]) -> Work[Neighborhood]:
    return (yield ReadNeighborhood(tombstones=hashes))


def test_held_orders_are_replaced_and_end(store: Store, run: Run) -> None:
    # given
    orders = sorted((held(number) for number in "abc"), key=lambda order: order.hash)
    run(store.write(lambda: put(held_orders=orders)))
    # then
    assert run(store.held_orders("", 2)) == orders[:2]
    assert run(store.held_orders(orders[1].hash, 2)) == orders[2:]
    # when
    returned = replace(orders[0], facts='{"status":"RETURNED"}', reported_at=8)
    run(store.write(lambda: put(held_orders=[returned], ended_holds=[orders[1].hash])))
    # then
    assert run(store.held_orders("", 10)) == [returned, orders[2]]
    assert run(store.write(lambda: read_tombstones([returned.hash]))).held_orders == {returned.hash: returned}


@pytest.mark.parametrize("by", ["live id", "retired id", "identifier"])
def test_the_keys_are_of_the_live_customer_that_a_reference_leads_to(store: Store, run: Run, by: str) -> None:
    # given: two customers that are merged
    see(store, run, seen("mail=a", id="1", at=1), seen("mail=b", id="2", at=2))
    before = run(store.customer_ids_of(["mail=a", "mail=b"]))
    see(store, run, seen("mail=a", "mail=b", "crm=a", id="3", at=3))
    (live,) = run(store.customer_ids_of(["crm=a"]))
    (retired,) = set(before) - {live}
    # when
    ref = {"live id": ById(live), "retired id": ById(retired), "identifier": ByKey("mail=b")}[by]
    held = run(store.write(lambda: read_customer_keys(ref)))
    # then
    assert held.customer is not None
    assert held.customer.id == live
    assert held.keys == ["crm=a", "mail=a", "mail=b"]


def test_nobody_has_no_keys(store: Store, run: Run) -> None:
    # given: an identifier in no customer
    see(store, run, seen("mail=a", id="1"))
    (id,) = run(store.customer_ids_of(["mail=a"]))
    run(store.write(lambda: commit([revoke("1")], RULES, NOW, RandomIds())))
    # then
    for ref in (ById(id), ById("cus_none"), ByKey("mail=a"), ByKey("mail=none")):
        assert run(store.write(lambda ref=ref: read_customer_keys(ref))) == CustomerKeys()


def read_customer_keys(ref: CustomerRef) -> Work[CustomerKeys]:
    return (yield ReadCustomerKeys(ref))


def test_a_request_that_was_carried_out_is_not_carried_out_again(store: Store, run: Run) -> None:
    # given
    see(store, run, seen("mail=a", "crm=a", id="1"))
    request = ErasureRequest(ByKey("mail=a"), request_id="ticket 1")
    first = erased(store, run, request)
    # when
    again = run(store.write(lambda: erase(request, RULES, 0, TOMBSTONE_RULES, NOW, RandomIds())))
    # then
    assert again.repeated
    assert again.erasure == first.erasure == run(store.erasure("ticket 1"))


def test_services_acknowledge_an_erasure_at_the_same_time(store: Store, run: Run) -> None:
    # given
    run(store.write(lambda: put(erasures=[erasure(1)])))

    def acknowledge(service: str) -> Work[None]:
        (stored,) = yield ReadErasures(["ers_1"])
        acknowledgements = (*stored.acknowledgements, Acknowledgement(service, NOW))
        yield Write(Writes(erasures=[replace(stored, acknowledgements=acknowledgements)]))

    async def all_at_once() -> None:
        await asyncio.gather(*(store.write(lambda name=str(number): acknowledge(name)) for number in range(8)))

    # when
    run(all_at_once())
    # then
    stored = run(store.erasure("ers_1"))
    assert sorted(item.service for item in stored.acknowledgements) == sorted(map(str, range(8)))


@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_erased_while_others_write_it_stays_erased(fresh: Fresh, run: Run, seed: int) -> None:
    # given: 12 writers through two stores, as of two processes, that send the same old statements again and again
    store = fresh()
    stores = [store, second(store)]
    dice = random.Random(seed)
    keys = [f"{namespace}={value}" for namespace in ("crm", "mail", "phone", "cookie") for value in "abc"]
    sent = [seen(*dice.sample(keys, dice.randint(1, 3)), id=f"o{number}", at=number) for number in range(120)]
    sent += [stated(dice.choice(keys), id=f"s{number}", at=number, name="Ann") for number in range(40)]
    gone = ["crm=a", "mail=b", "phone=c", "cookie=a"]
    ids = RandomIds()

    async def write(number: int) -> None:
        for observation in sent[number::12]:
            command = observe(observation, RULES)
            await stores[number % 2].write(
                lambda command=command: commit([command], RULES, NOW, ids, tombstone_rules=TOMBSTONE_RULES)
            )

    async def erase_all() -> None:
        for number, key in enumerate(gone):
            await asyncio.sleep(0.01)
            request = erasure_request((key,), 10**15, TombstoneMode.ERASED, f"ers_{number}")
            await stores[number % 2].write(lambda request=request: erase(request, RULES, 0, TOMBSTONE_RULES, NOW, ids))

    async def everything() -> None:
        await asyncio.gather(erase_all(), *(write(number) for number in range(12)))

    # when
    run(everything())
    run(stores[1].close())
    # then
    model = Graph(RULES)
    model.tombstone_rules = TOMBSTONE_RULES
    for number, key in enumerate(gone):
        model.run_erase(erasure_request((key,), 10**15, TombstoneMode.ERASED, f"ers_{number}"))
    for observation in sent:
        model.see(observation)
    assert run(store.identifier_keys("", 1000)) == sorted(model.store.members)
    assert {(receipt.source, receipt.digest, receipt.keys) for receipt in run(store.receipts(None, 1000))} == {
        (receipt.source, receipt.digest, receipt.keys) for receipt in model.store.receipts.values()
    }
    owners = dict(
        zip(sorted(model.store.members), run(store.customer_ids_of(sorted(model.store.members))), strict=True)
    )
    groups: dict[str, list[str]] = {}
    for key, owner in owners.items():
        groups.setdefault(owner, []).append(key)
    assert sorted_customers(groups.values()) == model.customers()
    assert run(store.check_storage()) == []
