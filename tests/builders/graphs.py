"""Builders for rules, observations and what a store comes to."""

from collections.abc import Iterable, Sequence
from itertools import count

from graph.commands.commit import Answer, commit
from graph.domain.model.changes import Change
from graph.domain.model.customers import Customer
from graph.domain.model.dates import SECOND
from graph.domain.model.observations import Observation, Tier
from graph.domain.model.overrides import Mark, MarkKind
from graph.domain.model.rules import Contested, NamespaceRule, Rules
from graph.domain.resolution.intake import Command, Observe, RemoveMark, Revoke, SetMark, prepare
from graph.domain.resolution.replay import Replay
from graph.domain.resolution.scenario import Customers, in_order
from tests.builders.memory import MemoryStore

NOW = 1_800_000_000 * SECOND


class FixedClock:
    def now(self) -> int:
        return NOW


class CountingIds:
    """Ids that tell their order."""

    def __init__(self, first: int = 1) -> None:
        self._numbers = count(first)

    def customer(self) -> str:
        return f"cus_{next(self._numbers)}"

    def mark(self) -> str:
        return f"mrk_{next(self._numbers)}"

    def segment(self) -> str:
        return f"seg_{next(self._numbers)}"


def small_rules(accept: float = 0.9) -> Rules:
    """Rules in which everything can happen with few identifiers."""
    return Rules(
        (
            NamespaceRule("crm", limit=1, known=True),
            NamespaceRule("mail", limit=2, contested=Contested.FIRST),
            NamespaceRule("phone", shared_above={"stronger": 2}),
            NamespaceRule("cookie", shared_above={"stronger": 3, "order": 1}),
            NamespaceRule("order"),
        ),
        accept,
    )


def seen(
    *keys: str,
    id: str = "",
    at: float = 0,
    source: str = "shop",
    party: Tier = Tier.FIRST,
    confidence: float | None = None,
) -> Observation:
    """An observation of keys at a second."""
    pairs = tuple((key.split("=", 1)[0], key.split("=", 1)[1]) for key in keys)
    return Observation(source, pairs, id, party, round(at * SECOND), confidence)


def identifiers(some: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple((key.split("=")[0], key.split("=")[1]) for key in some)


def observe(observation: Observation, rules: Rules) -> Observe:
    return prepare(observation, rules, NOW)


def revoke(id: str, source: str = "shop") -> Revoke:
    return Revoke(source, id, NOW, "tester")


def mark(kind: MarkKind, a: str, b: str = "", id: str = "") -> SetMark:
    if b and b < a:
        a, b = b, a
    return SetMark(Mark(id or f"{kind.value} {a} {b}", kind, a, b, "tester"))


def unmark(id: str) -> RemoveMark:
    return RemoveMark(id, NOW, "tester")


class Graph:
    """Commands over the store in dictionaries."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.store = MemoryStore()
        self.ids = CountingIds()
        self.now = NOW

    def do(self, *commands: Command) -> list[Answer]:
        self.now += SECOND
        return self.store.run(lambda: commit(commands, self.rules, self.now, self.ids))

    def see(self, *observations: Observation) -> list[Answer]:
        return self.do(*(observe(observation, self.rules) for observation in observations))

    def customers(self) -> Customers:
        groups: dict[object, list[str]] = {}
        for key, member in self.store.members.items():
            if member.customer is not None:
                groups.setdefault(member.customer, []).append(key)
        return in_order(groups.values())

    def answering(self, id: str) -> Customer:
        """The customer that answers for an id: in one hop."""
        by_id = {customer.id: customer for customer in self.store.customers.values()}
        asked = by_id[id]
        return by_id[asked.redirects_to] if asked.redirects_to else asked

    def id_at(self, key: str) -> str:
        return self.store.customers[self.store.members[key].customer].id


def replay(changes: Iterable[Change]) -> dict[str, set[str]]:
    """The partition that the history amounts to: customer id to keys."""
    return {id: keys for id, keys in Replay(changes).parts.items() if keys}


def pairs(items: Sequence[str]) -> list[tuple[str, str]]:
    return [(a, b) for index, a in enumerate(items) for b in items[index + 1 :]]
