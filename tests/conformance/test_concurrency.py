"""Concurrent writers on the same identifiers, through two services on one store, result in the partition of the valid
observations; readers never see half a change."""

import asyncio
import random

import pytest

from graph.commands.commit import Accepted
from graph.domain.model.dates import SECOND
from graph.domain.model.facts import FactKind
from graph.domain.model.observations import EvidenceStatement
from graph.domain.model.times import EARLIEST
from graph.domain.profile.attributes import AttributesStatement
from graph.domain.profile.interactions import Interaction, InteractionStatement
from graph.domain.profile.pages import ById, ByKey, FactPage, IdentifierPage, Selection, TimelinePage
from graph.domain.profile.timeline import TimelineKind
from graph.domain.resolution.resolution import resolve
from graph.domain.resolution.scenario import sorted_customers
from graph.identity_graph import IdentityGraph
from service.bootstrap import SystemClock
from service.runtime.ids import RandomIds
from tests.builders.graphs import seen, small_rules
from tests.builders.runs import Run
from tests.builders.stores import Fresh, second

RULES = small_rules()
BASE = EARLIEST // SECOND
KEYS = [f"{namespace}={value}" for namespace in ("crm", "mail", "phone", "cookie") for value in "abc"]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_16_writers_result_in_one_partition(fresh: Fresh, run: Run, seed: int) -> None:
    # given
    store_a = fresh()
    store_b = second(store_a)
    graphs = [IdentityGraph(store, RULES, SystemClock(), RandomIds(), frozenset()) for store in (store_a, store_b)]
    dice = random.Random(seed)
    sent = [
        seen(*dice.sample(KEYS, dice.randint(1, 3)), id=f"o{number}", at=BASE + dice.randint(0, 50))
        for number in range(240)
    ]

    async def write(number: int) -> list[object]:
        graph = graphs[number % 2]
        return [result for observation in sent[number::16] for result in await graph.link([observation])]

    async def everything() -> list[list[object]]:
        return await asyncio.gather(*(write(number) for number in range(16)))

    # when
    results_by_writer = run(everything())
    # then
    results = [result for results in results_by_writer for result in results]
    assert any(isinstance(result, Accepted) for result in results)
    accepted = {result.id for result in results if isinstance(result, Accepted)}
    valid = [
        EvidenceStatement(
            "shop",
            observation.id,
            tuple(sorted(f"{namespace}={value}" for namespace, value in observation.identifiers)),
            observation.tier,
            observation.seen_at,
        )
        for observation in sent
        if observation.id in accepted
    ]
    page = IdentifierPage(tuple(RULES.by_name), 100)
    views = run(store_a.customers([ByKey(key) for key in KEYS], Selection.of([page])))
    groups = {view.customer.id: [item.identifier.key for item in view.pages[page].items] for view in views if view}
    assert sorted_customers(groups.values()) == sorted_customers(resolve(valid, (), RULES).groups)
    run(store_b.close())


def test_readers_never_see_half_a_merge(fresh: Fresh, run: Run) -> None:
    # given: two customers that are merged and split repeatedly
    store = fresh()
    graph = IdentityGraph(store, RULES, SystemClock(), RandomIds(), frozenset())
    left = [f"cookie=l{number}" for number in range(8)]
    right = [f"cookie=r{number}" for number in range(8)]
    page = IdentifierPage(tuple(RULES.by_name), 100)
    facts = FactPage(FactKind.ATTRIBUTES, 100)
    interactions = TimelinePage(50, kinds=(TimelineKind.INTERACTION,))
    fact_holders = {"mail=l", "mail=r"}
    consistent = [set(left) | {"mail=l"}, set(right) | {"mail=r"}, {*left, *right, "mail=l", "mail=r"}]

    async def write() -> None:
        for number in range(25):
            await graph.link([seen("mail=l", "mail=r", id=f"bridge{number}", at=BASE + number)])
            await graph.revoke([("shop", f"bridge{number}")])

    async def read(done: asyncio.Event, ids: list[str]) -> int:
        count = 0
        while not done.is_set():
            refs = [ByKey("mail=l"), ByKey("mail=r"), *map(ById, ids)]
            for view in await store.customers(refs, Selection.of([page, facts, interactions])):
                assert view is not None
                keys = {item.identifier.key for item in view.pages[page].items}
                assert keys in consistent
                # facts and interactions are of the same state
                assert {fact.key for fact in view.pages[facts].items} == keys & fact_holders
                assert {item.content.key for item in view.pages[interactions].items} == keys & fact_holders
                assert view.customer.size == len(view.pages[page].items)
            count += 1
        return count

    async def everything() -> int:
        await graph.link(
            [seen("mail=l", key, at=BASE) for key in left] + [seen("mail=r", key, at=BASE) for key in right]
        )
        for key in sorted(fact_holders):
            identifier = (("mail", key[-1]),)
            await graph.record_attributes([AttributesStatement("crm", identifier, {"name": key}, reported_at=EARLIEST)])
            interaction = Interaction("web", "page_viewed", EARLIEST, key)
            await graph.record_interactions([InteractionStatement(interaction, identifier)])
        done = asyncio.Event()
        ids = await store.customer_ids_of(["mail=l", "mail=r"])
        readers = [asyncio.create_task(read(done, ids)) for _ in range(3)]
        await write()
        done.set()
        return sum(await asyncio.gather(*readers))

    # when, then
    assert run(everything()) > 0
