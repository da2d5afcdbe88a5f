"""What is told of customers, after any sequence of merges, splits, revocations, marks and undos, in each store, equals
what the valid reports say of the identifiers that the customer then holds."""

from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph.actions.commit import commit
from graph.actions.reread import both, reread
from graph.domain.attributes import AttributesStatement, Catalogue, profile
from graph.domain.consents import Channel, ConsentStatement, Decided, Decision, at_address, decisions, of_customer
from graph.domain.facts import FactKind, Told, carriers
from graph.domain.identifiers import Identifier
from graph.domain.intake import Command
from graph.domain.observations import SECOND, Observation, Tier
from graph.domain.receipts import Standing
from graph.domain.rules import Rules
from graph.domain.views import ByKey, FactPage, Selection
from graph.ports import Store
from tests.builders.graphs import CountingIds, Graph, observe
from tests.conftest import Fresh, Run
from tests.graph.actions.test_reread import OTHERS
from tests.graph.domain.test_step import KEYS, RULES, keys, marks, observations, revocations, unmarks

ATTRIBUTES = FactPage(FactKind.ATTRIBUTES, 10_000)
CONSENTS = FactPage(FactKind.CONSENT, 10_000)
CATALOGUE = Catalogue()
PARTIES = st.sampled_from([Tier.FIRST, Tier.THIRD])
SOURCES = st.sampled_from(["shop", "till"])
IDS = st.sampled_from(["", "o1", "o2", "o3"])


def identifiers(some: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple((key.split("=")[0], key.split("=")[1]) for key in some)


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
facts = st.one_of(statements, consents).map(lambda one: observe(one.observation(), RULES))
commands = st.one_of(facts, facts, observations, revocations, marks, unmarks)
batches = st.lists(st.lists(commands, min_size=1, max_size=4), min_size=1, max_size=12)


def valid_facts(model: Graph, kind: FactKind, rules: Rules) -> list[Told]:
    """What the valid reports of a kind say, from how they were sent."""
    found: list[Told] = []
    for receipt in model.store.receipts.values():
        if receipt.standing is Standing.VALID and receipt.kind == kind.value:
            sent = Observation.from_sent(*receipt.key, receipt.sent)
            for key in carriers(kind, receipt.keys, rules):
                found.append(Told(key, receipt.seen_at, *receipt.key, sent.tier, sent.facts))
    return sorted(found, key=lambda one: one.recency)


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


SETTINGS = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=40)


@SETTINGS
@given(sequence=batches)
def test_what_is_told_follows_the_identifiers(fresh: Fresh, run: Run, sequence: list[list[Command]]) -> None:
    # given
    store, model, ids = fresh(), Graph(RULES), CountingIds()
    for batch in sequence:
        # when
        expected = model.do(*batch)
        assert run(store.write(lambda batch=batch: commit(batch, RULES, model.now, ids))) == expected
    # then
    check(store, run, model, RULES, KEYS)


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
    for key in run(store.observations(None, 1000)):
        run(store.write(lambda key=key: reread([key], rules, new, model.now, ids, None)))
        model.store.run(lambda key=key: reread([key], rules, new, model.now, model.ids, None))
    # then
    names = {*KEYS, *(key for receipt in model.store.receipts.values() for key in receipt.keys)}
    every = sorted(key for key in names if Identifier.from_key(key).namespace in new.by_name)
    check(store, run, model, new, every)
