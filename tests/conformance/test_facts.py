"""What is told of customers, after any sequence of merges, splits, revocations, marks and undos, in each store, equals
what the valid reports say of the identifiers that the customer then holds."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.commands.commit import commit
from graph.commands.reprocess import both, reread
from graph.domain.model.changes import Entry
from graph.domain.model.dates import SECOND
from graph.domain.model.facts import FactKind, Skimmed, Told, detail
from graph.domain.model.identifiers import Identifier
from graph.domain.model.interaction_counts import add, tally_of
from graph.domain.model.observations import Tier
from graph.domain.model.rules import Rules
from graph.domain.profile.attributes import AttributesStatement, profile
from graph.domain.profile.catalog import Catalogue
from graph.domain.profile.consents import (
    Channel,
    ConsentStatement,
    Decided,
    Decision,
    at_address,
    decisions,
    of_customer,
)
from graph.domain.profile.interactions import Interaction, InteractionStatement
from graph.domain.profile.pages import (
    ById,
    ByKey,
    FactPage,
    IdentifierPage,
    OrderPage,
    Selection,
    SkimPage,
    TallyPage,
    TimelinePage,
)
from graph.domain.profile.timeline import Moment, TimelineKind
from graph.domain.resolution.intake import Command
from graph.ports import Store
from graph.stores.neo4j import Neo4jStore, customer_pages
from tests.builders.graphs import CountingIds, Graph, identifiers, observe
from tests.builders.runs import Run
from tests.builders.store_contents import valid_facts
from tests.builders.stores import Fresh, wipe
from tests.builders.strategies import (
    KEYS,
    OTHERS,
    RULES,
    SETTINGS,
    SOURCES,
    keys,
    marks,
    observations,
    orders,
    revocations,
    unmarks,
)

ATTRIBUTES = FactPage(FactKind.ATTRIBUTES, 10_000)
CONSENTS = FactPage(FactKind.CONSENT, 10_000)
CATALOGUE = Catalogue()
PARTIES = st.sampled_from([Tier.FIRST, Tier.THIRD])
IDS = st.sampled_from(["", "o1", "o2", "o3"])


statements = st.builds(
    lambda some, source, name, value, at, party, id: AttributesStatement(
        source, identifiers(some), {name: value}, id, party, at * SECOND
    ),
    keys,
    SOURCES,
    st.sampled_from(["given_name", "city", "family_name"]).map(lambda name: "name" if name == "city" else name),
    st.sampled_from(["Ann", "ann ", "Ben", None]),
    st.integers(0, 5),
    PARTIES,
    IDS,
)
consents = st.builds(
    lambda some, source, purpose, decision, channel, at, party, id: ConsentStatement(
        source, identifiers(some), purpose, decision, channel, "", id, party, at * SECOND
    ),
    keys,
    SOURCES,
    st.sampled_from(CATALOGUE.purposes[:2]),
    st.sampled_from([Decision.GIVEN, Decision.REFUSED, Decision.WITHDRAWN]),
    st.sampled_from([None, Channel.EMAIL]),
    st.integers(0, 5),
    PARTIES,
    IDS,
)
interactions = st.builds(
    lambda some, source, type, channel, at, party, id, sku: InteractionStatement(
        Interaction(source, type, at * SECOND, id, channel, sku=sku, appeal="discount"), identifiers(some), party
    ),
    keys,
    SOURCES,
    st.sampled_from(["page_view", "email_opened", "email_clicked"]),
    st.sampled_from(["web", "app", ""]),
    st.integers(0, 5),
    PARTIES,
    st.sampled_from([f"i{number}" for number in range(20)]),
    st.sampled_from(["", "a1"]),
)
facts = st.one_of(statements, consents, interactions, interactions).map(lambda one: observe(one.observation(), RULES))
commands = st.one_of(facts, facts, facts, orders, observations, revocations, marks, unmarks)
batches = st.lists(st.lists(commands, min_size=1, max_size=4), min_size=1, max_size=12)


def check(store: Store, run: Run, model: Graph, rules: Rules, every: Sequence[str]) -> None:
    attributes, told = valid_facts(model, FactKind.ATTRIBUTES, rules), valid_facts(model, FactKind.CONSENT, rules)
    decided = decisions(told)
    views = run(store.customers([ByKey(key) for key in every], Selection.of([ATTRIBUTES, CONSENTS])))
    for key, view in zip(every, views, strict=True):
        member = model.store.members.get(key)
        assert (view is None) == (member is None or member.customer is None)
        if view is None:
            continue
        mine = {other.key for other in model.store.members.values() if other.customer == member.customer}
        # the profile equals the one computed from scratch
        assert list(view.pages[ATTRIBUTES].items) == [one for one in attributes if one.key in mine]
        expected = profile([one for one in attributes if one.key in mine], CATALOGUE)
        assert profile(view.pages[ATTRIBUTES].items, CATALOGUE) == expected
        # an address answers with the newest decision naming it, whoever it belongs to
        shown = decisions(view.pages[CONSENTS].items)
        for purpose in CATALOGUE.purposes:
            for channel in (None, Channel.EMAIL, Channel.POST):
                assert at_address(shown, key, purpose, channel) == newest(told, key, purpose, channel)
                theirs = [at_address(decided, other, purpose, channel) for other in sorted(mine)]
                strictest = of_customer(shown, purpose, channel)
                negative = {Decision.REFUSED, Decision.WITHDRAWN} & {one.decision for one in theirs if one}
                if strictest is None:
                    assert not any(theirs)
                else:
                    assert (strictest.decision is Decision.GIVEN) == (not negative)


def timeline(model: Graph, mine: set[str], id: str, rules: Rules) -> list[Moment]:
    """All items of a customer's timeline, gathered the plain way."""
    told = valid_facts(model, FactKind.INTERACTION, rules)
    found = [Moment.interaction(one) for one in told if one.key in mine]
    found += [Moment.order(key, order) for key in mine if (order := model.store.members[key].order) is not None]
    numbered = (Entry(no, change) for no, change in enumerate(model.store.changes, 1))
    found += [Moment.change(entry) for entry in numbered if id in (entry.change.customer, entry.change.other)]
    return sorted(found, key=lambda one: one.place, reverse=True)


def check_timelines(store: Store, run: Run, model: Graph, rules: Rules, size: int) -> None:
    """Whole and filtered timelines, a page at a time."""
    for customer in [one for one in model.store.customers.values() if one.live]:
        mine = {one.key for one in model.store.members.values() if one.customer == customer.node}
        everything = timeline(model, mine, customer.id, rules)
        times = sorted({moment.place[0] for moment in everything})
        middle = times[len(times) // 2]
        for filters, expected in (
            ({}, everything),
            ({"kinds": (TimelineKind.ORDER,)}, [one for one in everything if one.place[1] == TimelineKind.ORDER]),
            ({"until": middle}, [one for one in everything if one.place[0] < middle]),
            ({"since": middle}, [one for one in everything if one.place[0] >= middle]),
            (
                {"kinds": (TimelineKind.INTERACTION,), "channels": ("web",)},
                [one for one in everything if isinstance(one.what, Told) and '"channel":"web"' in one.what.facts],
            ),
            (
                {"kinds": (TimelineKind.INTERACTION,), "types": ("call", "email_opened", "page_view"), "sku": "a1"},
                [one for one in everything if isinstance(one.what, Told) and is_of_a1(one.what)],
            ),
        ):
            found: list[Moment] = []
            after = None
            while True:
                page = TimelinePage(size, after, **filters)
                (view,) = run(store.customers([ById(customer.id)], Selection.of([page])))
                found += view.pages[page].items
                if not view.pages[page].more:
                    break
                after = found[-1].place
            assert found == expected


def is_of_a1(told: Told) -> bool:
    return '"sku":"a1"' in told.facts and '"type":"email_clicked"' not in told.facts


def check_tallies(store: Store, run: Run, model: Graph, rules: Rules) -> None:
    """What is counted at write time, and skimmed, equals what is counted from the reports."""
    told = valid_facts(model, FactKind.INTERACTION, rules)
    for customer in [one for one in model.store.customers.values() if one.live]:
        mine = {one.key for one in model.store.members.values() if one.customer == customer.node}
        (view,) = run(store.customers([ById(customer.id)], Selection.of([TallyPage(), SkimPage(9)])))
        newest_first = sorted((one for one in told if one.key in mine), key=lambda one: Moment.interaction(one).place)[
            ::-1
        ]
        skimmed = [Skimmed(one.at, *detail("interaction", one.facts)) for one in newest_first]
        assert list(view.pages[SkimPage(9)].items) == skimmed[:9]
        expected = add(tally_of("interaction", one.facts, one.at) for one in told if one.key in mine)
        assert add(view.pages[TallyPage()].items) == expected


def newest(told: Sequence[Told], key: str, purpose: str, channel: Channel | None) -> Decided | None:
    """The newest decision naming an address, found the plain way."""
    found = [Decided.of(one) for one in told if one.key == key]
    found = [one for one in found if one.purpose == purpose and one.channel in (None, channel)]
    if not found:
        return None
    last = max(one.at for one in found)
    strictness = [Decision.GIVEN, Decision.REFUSED, Decision.WITHDRAWN]
    at_last = [one for one in found if one.at == last]
    strictest = max(strictness.index(one.decision) for one in at_last)
    return next(one for one in at_last if strictness.index(one.decision) == strictest)


@settings(SETTINGS, max_examples=40)
@given(sequence=batches, size=st.sampled_from([1, 2, 3, 50]))
def test_what_is_told_follows_the_identifiers(fresh: Fresh, run: Run, sequence: list[list[Command]], size: int) -> None:
    # given
    store, model, ids = fresh(), Graph(RULES), CountingIds()
    for batch in sequence:
        # when
        expected = model.do(*batch)
        assert run(store.write(lambda batch=batch: commit(batch, RULES, model.now, ids))) == expected
    # then
    check(store, run, model, RULES, KEYS)
    check_timelines(store, run, model, RULES, size)
    check_tallies(store, run, model, RULES)


@settings(SETTINGS, max_examples=25)
@given(sequence=batches, size=st.sampled_from([1, 2, 3]))
def test_lists_of_large_customers_are_the_same(
    neo4j_store: Neo4jStore, run: Run, monkeypatch: pytest.MonkeyPatch, sequence: list[list[Command]], size: int
) -> None:
    # given: what is large begins at two identifiers
    monkeypatch.setattr(customer_pages, "SMALL", 1)
    run(wipe(neo4j_store))
    store, model, ids = neo4j_store, Graph(RULES), CountingIds()
    for batch in sequence:
        # when
        expected = model.do(*batch)
        assert run(store.write(lambda batch=batch: commit(batch, RULES, model.now, ids))) == expected
    # then
    check(store, run, model, RULES, KEYS)
    check_timelines(store, run, model, RULES, size)
    check_tallies(store, run, model, RULES)
    check_identifiers(store, run, model, size)


def check_identifiers(store: Store, run: Run, model: Graph, size: int) -> None:
    """Identifiers and orders, a page at a time."""
    names = tuple(RULES.by_name)
    for customer in [one for one in model.store.customers.values() if one.live]:
        mine = [one for one in model.store.members.values() if one.customer == customer.node]
        found: list[str] = []
        after = None
        while True:
            page = IdentifierPage(names, size, after)
            (view,) = run(store.customers([ById(customer.id)], Selection.of([page])))
            found += [one.identifier.key for one in view.pages[page].items]
            if not view.pages[page].more:
                break
            after = (names.index(found[-1].split("=")[0]), found[-1])
        assert found == sorted((one.key for one in mine), key=lambda key: (names.index(key.split("=")[0]), key))
        placed = sorted(((one.order.placed_at, one.key) for one in mine if one.order is not None), reverse=True)
        seen: list[tuple[int, str]] = []
        last = None
        while True:
            orders_page = OrderPage(size, last)
            (view,) = run(store.customers([ById(customer.id)], Selection.of([orders_page])))
            seen += [(one.order.placed_at, one.key) for one in view.pages[orders_page].items]
            if not view.pages[orders_page].more:
                break
            last = seen[-1]
        assert seen == placed


@settings(SETTINGS, max_examples=15)
@given(sequence=batches, new=st.sampled_from(OTHERS))
def test_it_follows_other_rules_too(fresh: Fresh, run: Run, sequence: list[list[Command]], new: Rules) -> None:
    # given
    store, model, ids = fresh(), Graph(RULES), CountingIds()
    for batch in sequence:
        model.do(*batch)
        run(store.write(lambda batch=batch: commit(batch, RULES, model.now, ids)))
    rules = both(new, RULES)
    # when
    for key in run(store.observations(None, 1, 1000)):
        run(store.write(lambda key=key: reread([key], rules, new, model.now, ids, None)))
        model.store.run(lambda key=key: reread([key], rules, new, model.now, model.ids, None))
    # then
    names = {*KEYS, *(key for receipt in model.store.receipts.values() for key in receipt.keys)}
    every = sorted(key for key in names if Identifier.from_key(key).namespace in new.by_name)
    check(store, run, model, new, every)
    check_tallies(store, run, model, new)
