"""Builders for rules, observations, commands and a graph in memory."""

from collections.abc import Iterable, Sequence
from itertools import count

from graph.commands.commit import CommandResult, commit
from graph.commands.erase import ErasureRequest, Planned, erase
from graph.commands.suppression import NO_TOMBSTONES
from graph.domain.model.changes import Change
from graph.domain.model.customers import Customer
from graph.domain.model.dates import SECOND
from graph.domain.model.observations import Observation, Party
from graph.domain.model.overrides import Override, OverrideKind
from graph.domain.model.rules import Contested, Guard, NamespaceRule, Rules
from graph.domain.model.tombstones import TombstoneKeys, TombstoneMode
from graph.domain.profile.attributes import AttributesStatement, Value
from graph.domain.resolution.erased import TombstoneRules
from graph.domain.resolution.preparation import Command, Observe, RemoveOverride, Revoke, SetOverride, prepare
from graph.domain.resolution.replay import Replay
from graph.domain.resolution.scenario import Customers, sorted_customers
from tests.builders.memory import MemoryStore

NOW = 1_800_000_000 * SECOND


class FixedClock:
    def now(self) -> int:
        return NOW


TOMBSTONE_RULES = TombstoneRules(TombstoneKeys({1: b"a secret of the tests, of 32 byte"}, 1))
"""What finds and makes tombstones, with a secret that everybody knows."""


class CountingIds:
    """Ids that are numbered in the order of their creation."""

    def __init__(self, first: int = 1) -> None:
        self._numbers = count(first)

    def customer(self) -> str:
        return f"cus_{next(self._numbers)}"

    def override(self) -> str:
        return f"ovr_{next(self._numbers)}"

    def segment(self) -> str:
        return f"seg_{next(self._numbers)}"

    def preview(self) -> str:
        return f"prv_{next(self._numbers)}"

    def source_revocation(self) -> str:
        return f"srv_{next(self._numbers)}"

    def erasure(self) -> str:
        return f"ers_{next(self._numbers)}"

    def restriction(self) -> str:
        return f"rst_{next(self._numbers)}"

    def audience(self) -> str:
        return f"aud_{next(self._numbers)}"

    def secret(self) -> str:
        return f"secret {next(self._numbers)}"


def small_rules(min_confidence: float = 0.9) -> Rules:
    """Rules under which few identifiers suffice for every case."""
    return Rules(
        (
            NamespaceRule("crm", limit=1, known=True),
            NamespaceRule("mail", limit=2, contested=Contested.FIRST),
            NamespaceRule("phone", shared_above={"stronger": 2}),
            NamespaceRule("cookie", shared_above={"stronger": 3, "order": 1}),
            NamespaceRule("order"),
        ),
        min_confidence,
    )


def family_rules(*guards: Guard) -> Rules:
    """Rules with records, which guards do not keep apart at a login; without `guards`, birth dates are guarded."""
    return Rules(
        (
            NamespaceRule("record"),
            NamespaceRule("login", guarded=False),
            NamespaceRule("mail"),
            NamespaceRule("phone"),
        ),
        guards=guards or (Guard("birth_date", "date"),),
    )


def seen(
    *keys: str,
    id: str = "",
    at: float = 0,
    source: str = "shop",
    party: Party = Party.FIRST_PARTY,
    confidence: float | None = None,
) -> Observation:
    """An observation of keys; `at` in seconds."""
    pairs = tuple((key.split("=", 1)[0], key.split("=", 1)[1]) for key in keys)
    return Observation(source, pairs, id, party, round(at * SECOND), confidence)


def stated(*keys: str, id: str = "", at: float = 0, source: str = "shop", **values: Value | None) -> Observation:
    """A statement of attributes; `None` takes a value back."""
    statement = AttributesStatement(source, identifiers(keys), values, id, reported_at=round(at * SECOND))
    return statement.observation()


def identifiers(keys: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple((key.split("=")[0], key.split("=")[1]) for key in keys)


def observe(observation: Observation, rules: Rules) -> Observe:
    return prepare(observation, rules, NOW)


def revoke(id: str, source: str = "shop") -> Revoke:
    return Revoke(source, id, NOW, "tester")


def override(kind: OverrideKind, a: str, b: str = "", id: str = "") -> SetOverride:
    if b and b < a:
        a, b = b, a
    return SetOverride(Override(id or f"{kind.value} {a} {b}", kind, a, b, "tester"))


def remove_override(id: str) -> RemoveOverride:
    return RemoveOverride(id, NOW, "tester")


class Graph:
    """A graph over the store in dictionaries, to execute commands on."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.store = MemoryStore()
        self.ids = CountingIds()
        self.now = NOW
        self.tombstone_rules = NO_TOMBSTONES

    def do(self, *commands: Command) -> list[CommandResult]:
        self.now += SECOND
        return self.store.run(
            lambda: commit(commands, self.rules, self.now, self.ids, tombstone_rules=self.tombstone_rules)
        )

    def erase(self, *keys: str, mode: TombstoneMode = TombstoneMode.ERASED) -> Planned:
        """Erase some identifiers."""
        self.now += SECOND
        self.tombstone_rules = TOMBSTONE_RULES
        planned = self.run_erase(ErasureRequest(None, keys, mode))
        return self.run_erase(ErasureRequest(None, keys, mode, plan_hash=planned.plan.hash, erasure=planned.draft))

    def run_erase(self, request: ErasureRequest) -> Planned:
        """Carry out a request, or plan it."""
        return self.store.run(lambda: erase(request, self.rules, 0, TOMBSTONE_RULES, self.now, self.ids))

    def see(self, *observations: Observation) -> list[CommandResult]:
        return self.do(*(observe(observation, self.rules) for observation in observations))

    def customers(self) -> Customers:
        groups: dict[object, list[str]] = {}
        for key, member in self.store.members.items():
            if member.customer is not None:
                groups.setdefault(member.customer, []).append(key)
        return sorted_customers(groups.values())

    def customer_of_id(self, id: str) -> Customer:
        """The customer that an id leads to, in at most one redirect."""
        by_id = {customer.id: customer for customer in self.store.customers.values()}
        customer = by_id[id]
        return by_id[customer.redirects_to] if customer.redirects_to else customer

    def id_at(self, key: str) -> str:
        return self.store.customers[self.store.members[key].customer].id


def replay(changes: Iterable[Change]) -> dict[str, set[str]]:
    """The partition that results from the history: keys by customer id."""
    return {id: keys for id, keys in Replay(changes).groups.items() if keys}


def pairs(items: Sequence[str]) -> list[tuple[str, str]]:
    return [(a, b) for index, a in enumerate(items) for b in items[index + 1 :]]
