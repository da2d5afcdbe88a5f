"""What came to be kept at write time is worked out for what was stored before."""

from graph.domain.model.interaction_counts import add as add_tallies
from graph.domain.model.interaction_counts import tally_of
from graph.domain.model.order_totals import add, figures_of
from graph.domain.model.orders import Order
from graph.domain.profile.pages import ByKey, OrderPage, Selection, TallyPage, TimelinePage
from graph.ports import Store
from graph.stores.neo4j.upgrades import AFTER
from graph.stores.sqlite import EmbeddedStore
from graph.stores.sqlite.upgrades import UPGRADES
from tests.builders.clients import Client, order
from tests.builders.operations import did, record
from tests.builders.runs import Run

PAGES = Selection.of([OrderPage(10), TallyPage(), TimelinePage(10, types=("cart", "page_view"))])


async def forget(store: Store) -> None:
    """As a store was before."""
    if isinstance(store, EmbeddedStore):
        with store._transaction("BEGIN IMMEDIATE") as db:
            db.execute("UPDATE identifiers SET tally = '{}'")
            db.execute("UPDATE told SET type = '', campaign = '', sku = ''")
            db.execute("""UPDATE customers SET figures = '{"EUR":[9,"1",0,0,"1",[0]]}' WHERE figures <> '{}'""")
    else:
        await store._read("MATCH (i:Identifier) REMOVE i.tally")
        await store._read("MATCH ()-[t:TOLD]->() SET t.detail = t.channel REMOVE t.type, t.channel, t.campaign, t.sku")
        figures = '{"EUR":[9,"1",0,0,"1",[0]]}'
        await store._read("MATCH (c:Customer) WHERE c.figures <> '{}' SET c.figures = $figures", figures=figures)


async def upgrade(store: Store) -> None:
    if isinstance(store, EmbeddedStore):
        with store._transaction("BEGIN IMMEDIATE") as db:
            UPGRADES[7](db)
    else:
        await AFTER["0018_told_type"](store._read)


def test_an_old_store_comes_to_hold_what_a_new_one_does(store: Store, run: Run) -> None:
    # given
    client = Client(store, run)
    client.record(*(order(f"W{n}", "email=a@example.com", placedAt=f"2026-01-0{n}T00:00:00Z") for n in (1, 2, 5)))
    some = [
        did(kind, "email=a@example.com", at="2026-01-03T00:00:00Z", channel="web") for kind in ("cart", "page_view")
    ]
    record(client, *some)
    (before,) = run(store.customers([ByKey("email=a@example.com")], PAGES))
    # when
    run(forget(store))
    (forgotten,) = run(store.customers([ByKey("email=a@example.com")], PAGES))
    run(upgrade(store))
    # then
    (after,) = run(store.customers([ByKey("email=a@example.com")], PAGES))
    assert forgotten != before == after
    orders: list[Order] = [one.order for one in after.pages[OrderPage(10)].items]
    assert after.customer.figures == add(map(figures_of, orders))
    told = [
        moment.what
        for moment in after.pages[TimelinePage(10, types=("cart", "page_view"))].items
        if moment.place[1] == 0
    ]
    counted = add_tallies(tally_of("interaction", one.facts, one.at) for one in told)
    assert add_tallies(after.pages[TallyPage()].items) == counted == {"did cart": 1, "did page_view": 1}
