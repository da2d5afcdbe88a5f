"""The facts of customers in each store, after any sequence of merges, splits, revocations and overrides, equal those
of the valid observations for the identifiers that the customer then holds."""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import astuple, replace

from graph.commands.commit import commit
from graph.commands.reprocess import reprocess, with_old_namespaces
from graph.domain.model.changes import ChangeKind, Entry
from graph.domain.model.customers import Customer
from graph.domain.model.dates import SECOND
from graph.domain.model.email_events import EMAIL_ARRIVED, EMAIL_BOUNCED, EmailEvent
from graph.domain.model.facts import Fact, FactKind, InteractionSummary, detail, stored_facts
from graph.domain.model.identifiers import Identifier, namespace_of
from graph.domain.model.interaction_counts import add, interaction_counts_of
from graph.domain.model.observations import Observation, Party
from graph.domain.model.receipts import ObservationStatus
from graph.domain.model.rules import Rules
from graph.domain.profile.attributes import AttributesStatement, profile
from graph.domain.profile.catalog import Catalog
from graph.domain.profile.consents import (
    EVERY_CHANNEL,
    ConsentStatement,
    Decision,
    RecordedDecision,
    decision_of_address,
    decision_of_customer,
    decisions,
)
from graph.domain.profile.derived_consents import ConsentFromInteraction, derived_decisions, derived_id
from graph.domain.profile.interactions import Interaction, InteractionStatement
from graph.domain.profile.pages import (
    ById,
    ByKey,
    EmailEventPage,
    FactPage,
    IdentifierPage,
    InteractionCountsPage,
    InteractionSummaryPage,
    OrderPage,
    Selection,
    TimelinePage,
)
from graph.domain.profile.timeline import TimelineEntry, TimelineKind
from graph.domain.resolution.preparation import Command, Observe, Revoke
from graph.ports import Store
from graph.stores.neo4j import Neo4jStore, customer_pages
from tests.builders.graphs import NOW, CountingIds, Graph, identifiers, observe
from tests.builders.runs import Run
from tests.builders.store_contents import valid_facts
from tests.builders.stores import Fresh, wipe
from tests.builders.strategies import (
    KEYS,
    OTHER_RULES,
    RULES,
    SETTINGS,
    SOURCES,
    keys,
    observations,
    orders,
    override_removals,
    overrides,
    revocations,
)

ATTRIBUTES = FactPage(FactKind.ATTRIBUTES, 10_000)
CONSENTS = FactPage(FactKind.CONSENT, 10_000)
CATALOG = Catalog()
UNSUBSCRIBED = ConsentFromInteraction("unsubscribed", "EMAIL", Decision.WITHDRAWN, CATALOG.purposes[:2])
PARTIES = st.sampled_from([Party.FIRST_PARTY, Party.THIRD_PARTY])
IDS = st.sampled_from(["", "o1", "o2", "o3"])

statements = st.builds(
    lambda keys, source, name, value, at, party, id: AttributesStatement(
        source, identifiers(keys), {name: value}, id, party, at * SECOND
    ),
    keys,
    SOURCES,
    st.sampled_from(["given_name", "name", "family_name"]),
    st.sampled_from(["Ann", "ann ", "Ben", None]),
    st.integers(0, 5),
    PARTIES,
    IDS,
)
consents = st.builds(
    lambda keys, source, purpose, decision, channel, at, party, id: ConsentStatement(
        source, identifiers(keys), purpose, decision, channel, "", id, party, at * SECOND
    ),
    keys,
    SOURCES,
    st.sampled_from(CATALOG.purposes[:2]),
    st.sampled_from([Decision.GIVEN, Decision.REFUSED, Decision.WITHDRAWN]),
    st.sampled_from([EVERY_CHANNEL, "EMAIL"]),
    st.integers(0, 5),
    PARTIES,
    IDS,
)
interactions = st.builds(
    lambda keys, source, type, channel, at, party, id, sku: InteractionStatement(
        Interaction(source, type, at * SECOND, id, channel, sku=sku, offer_type="discount"), identifiers(keys), party
    ),
    keys,
    SOURCES,
    st.sampled_from(["page_viewed", "email_opened", "email_link_clicked", "email_bounced"]),
    st.sampled_from(["web", "app", ""]),
    st.integers(0, 5),
    PARTIES,
    st.sampled_from([f"i{number}" for number in range(20)]),
    st.sampled_from(["", "a1"]),
)
facts = st.one_of(statements, consents, interactions, interactions).map(
    lambda statement: observe(statement.observation(), RULES)
)


def with_decisions(statement: InteractionStatement) -> Observe:
    """The command of an interaction with the decisions that follow from it."""
    own = observe(statement.observation(), RULES)
    derived = derived_decisions(statement, own.key[1], [UNSUBSCRIBED], {"EMAIL": frozenset(["mail"])})
    return replace(own, derived=tuple(observe(decision.observation(), RULES) for decision in derived))


withdrawals = st.builds(
    lambda keys, source, at, party, id: with_decisions(
        InteractionStatement(Interaction(source, "unsubscribed", at * SECOND, id), identifiers(keys), party)
    ),
    keys,
    SOURCES,
    st.integers(0, 5),
    PARTIES,
    st.sampled_from(["", "u1", "u2"]),
)
withdrawals_revoked = st.builds(
    lambda id, source: Revoke(
        source, id, NOW, "tester", tuple(derived_id(id, purpose) for purpose in UNSUBSCRIBED.purposes)
    ),
    st.sampled_from(["u1", "u2"]),
    SOURCES,
)
commands = st.one_of(
    facts,
    facts,
    facts,
    withdrawals,
    withdrawals_revoked,
    orders,
    observations,
    revocations,
    overrides,
    override_removals,
)
batches = st.lists(st.lists(commands, min_size=1, max_size=4), min_size=1, max_size=12)


def live_customers(model: Graph) -> Iterator[tuple[Customer, set[str]]]:
    """The customers with identifiers, and the keys of these."""
    for customer in [customer for customer in model.store.customers.values() if customer.live]:
        yield customer, {member.key for member in model.store.members.values() if member.customer == customer.node}


def check_profiles(store: Store, run: Run, model: Graph, rules: Rules, keys: Sequence[str]) -> None:
    """Attributes and consent decisions of the customers that hold these identifiers."""
    attributes = valid_facts(model, FactKind.ATTRIBUTES, rules)
    consents = valid_facts(model, FactKind.CONSENT, rules)
    all_decisions = decisions(consents)
    views = run(store.customers([ByKey(key) for key in keys], Selection.of([ATTRIBUTES, CONSENTS])))
    for key, view in zip(keys, views, strict=True):
        member = model.store.members.get(key)
        assert (view is None) == (member is None or member.customer is None)
        if view is None:
            continue
        held = {item.key for item in model.store.members.values() if item.customer == member.customer}
        # the profile equals that of the valid facts
        expected = [fact for fact in attributes if fact.key in held]
        assert list(view.pages[ATTRIBUTES].items) == expected
        assert profile(view.pages[ATTRIBUTES].items, CATALOG) == profile(expected, CATALOG)
        # the newest decision for an address is in effect, whichever customer holds the address
        recorded = decisions(view.pages[CONSENTS].items)
        for purpose in CATALOG.purposes:
            for channel in (EVERY_CHANNEL, "EMAIL", "POSTAL_MAIL"):
                expected_decision = newest_decision(consents, key, purpose, channel)
                assert decision_of_address(recorded, key, purpose, channel) == expected_decision
                check_customer_decision(recorded, all_decisions, sorted(held), purpose, channel)


def check_customer_decision(
    recorded: list[RecordedDecision],
    all_decisions: list[RecordedDecision],
    held: Sequence[str],
    purpose: str,
    channel: str,
) -> None:
    """The decision of a customer is GIVEN if none of its addresses has a more restrictive one."""
    by_address = [decision_of_address(all_decisions, key, purpose, channel) for key in held]
    most_restrictive = decision_of_customer(recorded, purpose, channel)
    if most_restrictive is None:
        assert not any(by_address)
    else:
        negative = {Decision.REFUSED, Decision.WITHDRAWN} & {decision.decision for decision in by_address if decision}
        assert (most_restrictive.decision is Decision.GIVEN) == (not negative)


def newest_decision(facts: Sequence[Fact], key: str, purpose: str, channel: str) -> RecordedDecision | None:
    """The newest decision that names an address, by a direct search."""
    matches = [RecordedDecision.of(fact) for fact in facts if fact.key == key]
    matches = [match for match in matches if match.purpose == purpose and match.channel in (EVERY_CHANNEL, channel)]
    if not matches:
        return None
    last = max(match.decided_at for match in matches)
    strictness = [Decision.GIVEN, Decision.REFUSED, Decision.WITHDRAWN]
    newest = [match for match in matches if match.decided_at == last]
    strictest = max(strictness.index(match.decision) for match in newest)
    return next(match for match in newest if strictness.index(match.decision) == strictest)


def timeline(model: Graph, held: set[str], id: str, rules: Rules) -> list[TimelineEntry]:
    """All entries of a customer's timeline, newest first."""
    facts = valid_facts(model, FactKind.INTERACTION, rules)
    entries = [TimelineEntry.interaction(fact) for fact in facts if fact.key in held]
    entries += [TimelineEntry.order(key, order) for key in held if (order := model.store.members[key].order)]
    entries += [
        TimelineEntry.change(Entry(number, change))
        for number, change in enumerate(model.store.changes, 1)
        if id in (change.customer, change.other_customer)
    ]
    return sorted(entries, key=lambda entry: entry.position, reverse=True)


def check_timelines(store: Store, run: Run, model: Graph, rules: Rules, size: int) -> None:
    """Whole and filtered timelines, a page at a time."""
    for customer, held in live_customers(model):
        entries = timeline(model, held, customer.id, rules)
        times = sorted({entry.position[0] for entry in entries})
        middle = times[len(times) // 2]
        interactions = [entry for entry in entries if isinstance(entry.content, Fact)]
        for filters, expected in (
            ({}, entries),
            ({"kinds": (TimelineKind.ORDER,)}, [entry for entry in entries if entry.position[1] == TimelineKind.ORDER]),
            ({"until": middle}, [entry for entry in entries if entry.position[0] < middle]),
            ({"since": middle}, [entry for entry in entries if entry.position[0] >= middle]),
            (
                {"kinds": (TimelineKind.INTERACTION,), "channels": ("web",)},
                [entry for entry in interactions if '"channel":"web"' in entry.content.facts],
            ),
            (
                {"kinds": (TimelineKind.INTERACTION,), "types": ("call", "email_opened", "page_viewed"), "sku": "a1"},
                [entry for entry in interactions if is_of_a1(entry.content)],
            ),
        ):
            paged: list[TimelineEntry] = []
            after = None
            while True:
                page = TimelinePage(size, after, **filters)
                (view,) = run(store.customers([ById(customer.id)], Selection.of([page])))
                paged += view.pages[page].items
                if not view.pages[page].has_more:
                    break
                after = paged[-1].position
            assert paged == expected


def is_of_a1(fact: Fact) -> bool:
    return '"sku":"a1"' in fact.facts and detail("interaction", fact.facts).type in ("email_opened", "page_viewed")


def check_interaction_counts(store: Store, run: Run, model: Graph, rules: Rules) -> None:
    """Stored counts and summaries of interactions equal those of the valid facts."""
    facts = valid_facts(model, FactKind.INTERACTION, rules)
    counts_page, summaries_page = InteractionCountsPage(), InteractionSummaryPage(9)
    for customer, held in live_customers(model):
        (view,) = run(store.customers([ById(customer.id)], Selection.of([counts_page, summaries_page])))
        own = [fact for fact in facts if fact.key in held]
        newest_first = sorted(own, key=lambda fact: TimelineEntry.interaction(fact).position, reverse=True)
        summaries = [InteractionSummary(fact.at, *detail("interaction", fact.facts)) for fact in newest_first]
        assert list(view.pages[summaries_page].items) == summaries[:9]
        expected = add(interaction_counts_of("interaction", fact.facts, fact.at) for fact in own)
        assert add(view.pages[counts_page].items) == expected


def check_email_events(store: Store, run: Run, model: Graph) -> None:
    """What became of emails, as the valid observations report it that name the identifiers of each customer."""
    page = EmailEventPage(RULES.names[1:])
    for customer, held in live_customers(model):
        bounced: set[EmailEvent] = set()
        arrived: dict[tuple[str, str], int] = {}
        for receipt in model.store.receipts.values():
            if receipt.status is not ObservationStatus.VALID:
                continue
            sent = Observation.from_sent(*receipt.key, receipt.sent)
            type = detail(receipt.kind, stored_facts(sent)).type
            for key in held.intersection(receipt.keys):
                if namespace_of(key) not in page.namespaces:
                    continue
                if type == EMAIL_BOUNCED:
                    bounced.add(EmailEvent(key, receipt.source, bounced=True, at=receipt.seen_at))
                elif type in EMAIL_ARRIVED:
                    name = key, receipt.source
                    arrived[name] = max(receipt.seen_at, arrived.get(name, receipt.seen_at))
        expected = bounced | {EmailEvent(*name, bounced=False, at=at) for name, at in arrived.items()}
        (view,) = run(store.customers([ById(customer.id)], Selection.of([page])))
        assert sorted(view.pages[page].items, key=astuple) == sorted(expected, key=astuple)


def consents_in_effect(model: Graph) -> dict[tuple[str, str, str], Decision]:
    """What was decided for each identifier, purpose and channel."""
    facts = valid_facts(model, FactKind.CONSENT, RULES)
    found = {
        (key, purpose, channel): newest_decision(facts, key, purpose, channel)
        for key in KEYS
        for purpose in CATALOG.purposes[:2]
        for channel in (EVERY_CHANNEL, "EMAIL")
    }
    return {place: decision.decision for place, decision in found.items() if decision is not None}


def changed_consents(model: Graph, first: int) -> set[str]:
    """The identifiers whose consent has changed, as the history says from an entry on."""
    changes = [change for change in model.store.changes[first:] if change.kind is ChangeKind.CONSENT_CHANGED]
    customers = {key: change.customer for change in changes for key in change.keys}
    assert len(customers) == sum(len(change.keys) for change in changes)
    held = (key for key in customers if model.store.members[key].customer is not None)
    assert all(model.id_at(key) == customers[key] for key in held)
    return set(customers)


@settings(SETTINGS, max_examples=40)
@given(sequence=batches, size=st.sampled_from([1, 2, 3, 50]))
def test_facts_follow_their_identifiers(fresh: Fresh, run: Run, sequence: list[list[Command]], size: int) -> None:
    # given
    store, model, ids = fresh(), Graph(RULES), CountingIds()
    for batch in sequence:
        before, entry_count = consents_in_effect(model), len(model.store.changes)
        # when
        expected = model.do(*batch)
        assert run(store.write(lambda batch=batch: commit(batch, RULES, model.now, ids))) == expected
        # then: the history names the identifiers at which something else was decided, and no others
        after = consents_in_effect(model)
        changed = {place[0] for place in before.keys() | after.keys() if before.get(place) is not after.get(place)}
        assert changed_consents(model, entry_count) == changed
    # then
    assert [entry.change for entry in run(store.changes(0, 100_000))] == model.store.changes
    check_profiles(store, run, model, RULES, KEYS)
    check_timelines(store, run, model, RULES, size)
    check_interaction_counts(store, run, model, RULES)
    check_email_events(store, run, model)


@settings(SETTINGS, max_examples=25)
@given(sequence=batches, size=st.sampled_from([1, 2, 3]))
def test_lists_of_large_customers_equal_those_of_small_ones(
    neo4j_store: Neo4jStore, run: Run, monkeypatch: pytest.MonkeyPatch, sequence: list[list[Command]], size: int
) -> None:
    # given: customers with two or more identifiers are large
    monkeypatch.setattr(customer_pages, "SMALL_CUSTOMER", 1)
    run(wipe(neo4j_store))
    store, model, ids = neo4j_store, Graph(RULES), CountingIds()
    for batch in sequence:
        # when
        expected = model.do(*batch)
        assert run(store.write(lambda batch=batch: commit(batch, RULES, model.now, ids))) == expected
    # then
    check_profiles(store, run, model, RULES, KEYS)
    check_timelines(store, run, model, RULES, size)
    check_interaction_counts(store, run, model, RULES)
    check_email_events(store, run, model)
    check_identifiers(store, run, model, size)


def check_identifiers(store: Store, run: Run, model: Graph, size: int) -> None:
    """Identifiers and orders, a page at a time."""
    names = tuple(RULES.by_name)
    for customer, held in live_customers(model):
        keys: list[str] = []
        after = None
        while True:
            page = IdentifierPage(names, size, after)
            (view,) = run(store.customers([ById(customer.id)], Selection.of([page])))
            keys += [identifier_view.identifier.key for identifier_view in view.pages[page].items]
            if not view.pages[page].has_more:
                break
            after = (names.index(keys[-1].split("=")[0]), keys[-1])
        assert keys == sorted(held, key=lambda key: (names.index(key.split("=")[0]), key))
        placed: list[tuple[int, str]] = []
        last = None
        while True:
            orders_page = OrderPage(size, last)
            (view,) = run(store.customers([ById(customer.id)], Selection.of([orders_page])))
            placed += [(order_view.order.placed_at, order_view.key) for order_view in view.pages[orders_page].items]
            if not view.pages[orders_page].has_more:
                break
            last = placed[-1]
        held_orders = [(order.placed_at, key) for key in held if (order := model.store.members[key].order) is not None]
        assert placed == sorted(held_orders, reverse=True)


@settings(SETTINGS, max_examples=15)
@given(sequence=batches, new=st.sampled_from(OTHER_RULES))
def test_facts_follow_their_identifiers_under_new_rules(
    fresh: Fresh, run: Run, sequence: list[list[Command]], new: Rules
) -> None:
    # given
    store, model, ids = fresh(), Graph(RULES), CountingIds()
    for batch in sequence:
        model.do(*batch)
        run(store.write(lambda batch=batch: commit(batch, RULES, model.now, ids)))
    rules = with_old_namespaces(new, RULES)
    # when
    for key in run(store.observations(None, 1, 1000)):
        run(store.write(lambda key=key: reprocess([key], rules, new, model.now, ids, None)))
        model.store.run(lambda key=key: reprocess([key], rules, new, model.now, model.ids, None))
    # then
    names = {*KEYS, *(key for receipt in model.store.receipts.values() for key in receipt.keys)}
    current = sorted(key for key in names if Identifier.from_key(key).namespace in new.by_name)
    check_profiles(store, run, model, new, current)
    check_interaction_counts(store, run, model, new)
