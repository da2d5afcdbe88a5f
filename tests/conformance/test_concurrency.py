"""Many writers at once on the same few identifiers, through two services on one store, end in the partition of what is
valid; readers never see half a change."""

import asyncio
import random

import pytest

from graph.commands.commit import Accepted
from graph.domain.model.facts import FactKind
from graph.domain.model.observations import Statement
from graph.domain.profile.attributes import AttributesStatement
from graph.domain.profile.interactions import EARLIEST, Interaction, InteractionStatement
from graph.domain.profile.pages import ById, ByKey, FactPage, IdentifierPage, Selection, TimelinePage
from graph.domain.profile.timeline import TimelineKind
from graph.domain.resolution.resolution import resolve
from graph.domain.resolution.scenario import in_order
from graph.identity_graph import IdentityGraph
from graph.ports import Store
from graph.stores.neo4j import Neo4jStore
from graph.stores.sqlite import EmbeddedStore
from service.bootstrap import SystemClock
from service.runtime.ids import RandomIds
from tests.builders.graphs import seen, small_rules
from tests.builders.runs import Run
from tests.builders.stores import Fresh

RULES = small_rules()
KEYS = [f"{namespace}={value}" for namespace in ("crm", "mail", "phone", "cookie") for value in "abc"]


def second(store: Store) -> Store:
    """Another process's view of the same place."""
    if isinstance(store, EmbeddedStore):
        return EmbeddedStore(store._path)
    assert isinstance(store, Neo4jStore)
    return Neo4jStore(store.uri)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_16_writers_end_in_one_partition(fresh: Fresh, run: Run, seed: int) -> None:
    # given
    one = fresh()
    other = second(one)
    graphs = [IdentityGraph(store, RULES, SystemClock(), RandomIds(), frozenset()) for store in (one, other)]
    dice = random.Random(seed)
    sent = [
        seen(*dice.sample(KEYS, dice.randint(1, 3)), id=f"o{number}", at=dice.randint(0, 50)) for number in range(240)
    ]

    async def write(number: int) -> list[object]:
        graph = graphs[number % 2]
        return [answer for mine in sent[number::16] for answer in await graph.link([mine])]

    async def everything() -> list[list[object]]:
        return await asyncio.gather(*(write(number) for number in range(16)))

    # when
    answers = run(everything())
    # then
    taken = [answer for mine in answers for answer in mine]
    ok = {answer.id for answer in taken if isinstance(answer, Accepted)}
    valid = [
        Statement("shop", one.id, tuple(sorted(f"{n}={v}" for n, v in one.identifiers)), one.tier, one.seen_at)
        for one in sent
        if one.id in ok
    ]
    page = IdentifierPage(tuple(RULES.by_name), 100)
    views = run(one.customers([ByKey(key) for key in KEYS], Selection.of([page])))
    found = {view.customer.id: [item.identifier.key for item in view.pages[page].items] for view in views if view}
    assert in_order(found.values()) == in_order(resolve(valid, (), RULES).groups)
    run(other.close())


def test_readers_never_see_half_a_merge(fresh: Fresh, run: Run) -> None:
    # given: two customers that are merged and split over and over
    store = fresh()
    graph = IdentityGraph(store, RULES, SystemClock(), RandomIds(), frozenset())
    left = [f"cookie=l{number}" for number in range(8)]
    right = [f"cookie=r{number}" for number in range(8)]
    page = IdentifierPage(tuple(RULES.by_name), 100)
    told = FactPage(FactKind.ATTRIBUTES, 100)
    did = TimelinePage(50, kinds=(TimelineKind.INTERACTION,))
    carriers = {"mail=l", "mail=r"}
    whole = [set(left) | {"mail=l"}, set(right) | {"mail=r"}, {*left, *right, "mail=l", "mail=r"}]

    async def write() -> None:
        for number in range(25):
            await graph.link([seen("mail=l", "mail=r", id=f"bridge{number}", at=number)])
            await graph.revoke([("shop", f"bridge{number}")])

    async def read(done: asyncio.Event, ids: list[str]) -> int:
        count = 0
        while not done.is_set():
            asked = [ByKey("mail=l"), ByKey("mail=r"), *map(ById, ids)]
            for view in await store.customers(asked, Selection.of([page, told, did])):
                assert view is not None
                mine = {item.identifier.key for item in view.pages[page].items}
                assert mine in whole
                # what is told and done is of the same moment
                assert {one.key for one in view.pages[told].items} == mine & carriers
                assert {moment.what.key for moment in view.pages[did].items} == mine & carriers
                assert view.customer.size == len(view.pages[page].items)
            count += 1
        return count

    async def everything() -> int:
        await graph.link([seen("mail=l", key, at=1) for key in left] + [seen("mail=r", key, at=1) for key in right])
        for key in sorted(carriers):
            identifier = (("mail", key[-1]),)
            await graph.record_attributes([AttributesStatement("crm", identifier, {"name": key}, stated_at=1)])
            done_then = Interaction("web", "page_view", EARLIEST, key)
            await graph.record_interactions([InteractionStatement(done_then, identifier)])
        done = asyncio.Event()
        ids = await store.holders(["mail=l", "mail=r"])
        readers = [asyncio.create_task(read(done, ids)) for _ in range(3)]
        await write()
        done.set()
        return sum(await asyncio.gather(*readers))

    # when, then
    assert run(everything()) > 0
