"""Restrictions in a store: read in order, kept by copies, checked and repaired, and no cost where there are none."""

import pytest

from graph.domain.model.errors import InvalidInput
from graph.domain.model.idempotency import IdempotencyKey
from graph.domain.profile.pages import ById, ByKey, Selection
from graph.stores.neo4j import Neo4jStore
from graph.stores.sqlite import SQLiteStore
from tests.builders.clients import Client, order, seen
from tests.builders.restrictions import lift, restrict, restricted
from tests.builders.runs import Run
from tests.builders.stores import Fresh
from tests.builders.transfers import exported, fill
from tests.builders.verifications import found, verified

ANN, BEN, CAT = "email=ann@example.com", "email=ben@example.com", "email=cat@example.com"


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    client = Client(fresh(), run)
    run(client.wiring.prepare())
    client.link(seen(ANN, "crm_id=A1"), seen(BEN), seen(CAT, "crm_id=C1"))
    return client


def test_restrictions_are_read_in_the_order_in_which_they_were_set(client: Client, run: Run) -> None:
    # given
    store, ids = client.wiring.store, [restricted(client, key) for key in (ANN, BEN, CAT)]
    lift(client, ids[1])
    # when
    first = run(store.restrictions(None, False, None, 2))
    rest = run(store.restrictions(None, False, (first[-1].at, first[-1].id), 2))
    # then
    assert [restriction.id for restriction in [*first, *rest]] == ids
    assert [restriction.id for restriction in run(store.restrictions(None, True, None, 9))] == [ids[0], ids[2]]
    assert first[0].keys == ("crm_id=A1", ANN)
    assert first[1].keys == ()
    customer = client.customer(CAT)["id"]
    assert [restriction.id for restriction in run(store.restrictions(customer, False, None, 9))] == ids[2:]


def test_a_view_says_whether_its_customer_is_restricted_whatever_leads_to_it(client: Client, run: Run) -> None:
    # given
    store = client.wiring.store
    assert run(store.has_restrictions()) is False
    id = restricted(client, ANN)
    assert run(store.has_restrictions()) is True
    # when
    refs = [ByKey(ANN), ByKey("crm_id=A1"), ById(client.customer(ANN)["id"]), ByKey(BEN)]
    views = run(store.customers(refs, Selection()))
    # then
    assert [view.restricted for view in views] == [True, True, True, False]
    # when, then: a retired id redirects to a customer that is restricted
    retired = client.customer(BEN)["id"]
    client.link(seen("crm_id=A1", BEN))
    (view,) = run(store.customers([ById(retired)], Selection()))
    assert view.restricted
    # when, then
    lift(client, id)
    assert run(store.has_restrictions()) is False
    assert not run(store.customers([ByKey(ANN)], Selection()))[0].restricted


def test_totals_of_restricted_customers_are_left_out_of_statistics(client: Client, run: Run) -> None:
    # given
    client.record(order("A-1", ANN), order("B-1", BEN))
    restricted(client, ANN)
    # then
    assert [id for id, _ in run(client.wiring.store.order_totals("", 10))] == [client.customer(BEN)["id"]]


def test_a_copy_of_a_store_has_the_restrictions_of_the_original(client: Client, fresh: Fresh, run: Run) -> None:
    # given
    id = restricted(client, ANN, idempotencyKey="k1")
    lift(client, restricted(client, CAT))
    records, shown = exported(client.wiring.store, run), run(client.wiring.store.restrictions(None, False, None, 9))
    # when
    other = fresh()
    fill(other, run, records)
    # then
    copy = Client(other, run)
    run(copy.wiring.prepare())
    assert run(other.restrictions(None, False, None, 9)) == shown
    assert copy.customer(ANN, "restricted") == {"restricted": True}
    assert copy.customer(CAT, "restricted") == {"restricted": False}
    assert restrict(copy, ANN, idempotencyKey="k1")["restriction"]["id"] == id
    # and: it is lifted there as well
    lift(copy, id)
    assert copy.customer(ANN, "restricted") == {"restricted": False}


def test_marks_that_contradict_the_restrictions_are_found_and_repaired(client: Client, run: Run) -> None:
    # given
    store = client.wiring.store
    restricted(client, ANN)
    assert run(store.check_storage()) == []
    # when
    _damage(store, run)
    # then
    assert [damage.description for damage in run(store.check_storage())] == [
        "identifiers are marked as restricted and are not, or the other way round"
    ]
    run(store.repair_storage())
    assert run(store.check_storage()) == []
    assert client.customer(ANN, "restricted") == {"restricted": True}
    assert client.customer(BEN, "restricted") == {"restricted": False}


def test_a_store_with_restrictions_is_verified(client: Client, run: Run) -> None:
    # given
    restricted(client, ANN)
    lift(client, restricted(client, CAT))
    client.link(seen(ANN, BEN))
    # then
    assert found(verified(client.wiring.store, run)) == {}


def _damage(store: object, run: Run) -> None:
    """Mark the wrong identifiers."""
    if isinstance(store, SQLiteStore):
        run(store._alter(lambda db: db.execute("UPDATE identifiers SET restricted = 1 - restricted").close()))
    else:
        assert isinstance(store, Neo4jStore)
        run(store._read("MATCH (i:Restricted) REMOVE i:Restricted"))


def test_two_requests_at_once_with_one_key_set_one_restriction(client: Client, run: Run) -> None:
    # given
    control, request = client.graph.restrictions, IdempotencyKey("privacy", "k1", "digest")
    # when
    first = run(control.restrict(ByKey(ANN), "pia", "disputed", request))
    second = run(control.restrict(ByKey(ANN), "pia", "disputed", request))
    # then
    assert second == type(second)(first.restriction, created=False)
    with pytest.raises(InvalidInput, match="already used"):
        run(control.restrict(ByKey(BEN), "pia", "disputed", IdempotencyKey("privacy", "k1", "another")))
