"""Changed consents are recorded by every write that changes them."""

from collections.abc import Sequence

from graph.commands.reprocess import reprocess
from graph.domain.model.changes import CauseType, Change, ChangeKind
from graph.domain.model.dates import SECOND
from graph.domain.model.overrides import OverrideKind
from graph.domain.model.rules import NamespaceRule, Rules
from graph.domain.profile.consents import ConsentStatement, Decision
from graph.domain.resolution.preparation import Observe
from tests.builders.graphs import Graph, identifiers, observe, override, seen, small_rules

RULES = small_rules()


def decided(*keys: str, decision: Decision = Decision.GIVEN, at: int = 1, id: str = "") -> Observe:
    """A decision on the newsletter."""
    statement = ConsentStatement("shop", identifiers(keys), "newsletter", decision, id=id, decided_at=at * SECOND)
    return observe(statement.observation(), RULES)


def changes(graph: Graph) -> list[Change]:
    return [change for change in graph.store.changes if change.kind is ChangeKind.CONSENT_CHANGED]


def keys(found: Sequence[Change]) -> list[tuple[str, ...]]:
    return [change.keys for change in found]


def test_a_decision_about_two_customers_is_a_change_of_each() -> None:
    # given: two people whom a steward keeps apart
    graph = Graph(RULES)
    graph.do(override(OverrideKind.APART, "mail=a", "mail=b"))
    graph.see(seen("crm=a", "mail=a"), seen("crm=b", "mail=b"))
    # when
    graph.do(decided("mail=a", "mail=b"))
    # then
    assert {(change.customer, change.keys) for change in changes(graph)} == {
        (graph.id_at("mail=a"), ("mail=a",)),
        (graph.id_at("mail=b"), ("mail=b",)),
    }


def test_decisions_of_one_write_that_cancel_each_other_are_no_change() -> None:
    # given
    graph = Graph(RULES)
    graph.do(decided("mail=a"))
    # when
    graph.do(decided("mail=a", decision=Decision.WITHDRAWN, at=2), decided("mail=a", at=3))
    # then
    assert len(changes(graph)) == 1


def test_new_rules_that_read_an_address_otherwise_change_consent_at_both() -> None:
    # given
    graph = Graph(RULES)
    graph.do(decided("mail=a"))
    upper = Rules((NamespaceRule("mail", normalize=("upper",)),))
    # when
    graph.store.run(lambda: reprocess(sorted(graph.store.receipts), upper, upper, graph.now, graph.ids, None))
    # then
    _, *moved = changes(graph)
    assert {key for change in moved for key in change.keys} == {"mail=A", "mail=a"}
    assert {change.cause.type for change in moved} == {CauseType.RULES_CHANGE}


def test_an_erasure_is_no_change_of_consent() -> None:
    # given: a decision for the address of one person and that of another
    graph = Graph(RULES)
    graph.do(override(OverrideKind.APART, "mail=a", "mail=b"))
    graph.see(seen("crm=a", "mail=a"), seen("crm=b", "mail=b"))
    graph.do(decided("mail=a", "mail=b"))
    before = len(changes(graph))
    # when
    graph.erase("mail=a", "crm=a")
    # then: CUSTOMER_ERASED tells it, and what was recorded before names the person no longer
    assert len(changes(graph)) == before
    assert all("mail=a" not in change.keys for change in changes(graph))
    assert ("mail=b",) in keys(changes(graph))
    assert any(change.kind is ChangeKind.CUSTOMER_ERASED for change in graph.store.changes)
