"""Random rules and commands, under which links are suspended and identifiers become shared in most sequences."""

from random import Random

from graph.domain.model.dates import SECOND
from graph.domain.model.observations import Party
from graph.domain.model.overrides import OverrideKind
from graph.domain.model.rules import Contested, Guard, NamespaceRule, Rules
from graph.domain.profile.attributes import AttributesStatement
from graph.domain.resolution.preparation import Command, prepare
from tests.builders.graphs import NOW, identifiers, observe, override, remove_override, revoke, seen

_NAMESPACES = ("crm", "login", "mail", "phone", "cookie")
_SOURCES = ("shop", "till")
_BIRTH_DATES = (None, "1980-05-04", "1980-05-04", "1980-05-14", "2010-11-23")
_KINDS = (OverrideKind.TOGETHER, OverrideKind.APART, OverrideKind.APART, OverrideKind.BLOCKED)


def random_rules(random: Random) -> Rules:
    """Rules with small limits, and a guard in half of them."""
    contested = list(Contested)
    return Rules(
        (
            NamespaceRule("crm", limit=random.choice((1, 1, 2)), known=True),
            NamespaceRule("login", guarded=random.random() < 0.5, limit=random.choice((None, 1, 2))),
            NamespaceRule(
                "mail",
                limit=random.choice((1, 2, 3, None)),
                contested=random.choice(contested),
                shared_above=random.choice(({}, {"stronger": 2}, {"stronger": 3})),
            ),
            NamespaceRule(
                "phone", limit=random.choice((None, None, 2)), shared_above={"stronger": random.choice((2, 3))}
            ),
            NamespaceRule(
                "cookie",
                contested=random.choice(contested),
                shared_above=random.choice(({}, {"stronger": 3})),
            ),
        ),
        random.choice((0.5, 0.9)),
        guards=(Guard("birth_date", "date"),) if random.random() < 0.5 else (),
    )


class RandomCommands:
    """Commands that name few identifiers, so that they meet often."""

    def __init__(self, random: Random, rules: Rules) -> None:
        self._random, self._rules = random, rules
        self._ids = [f"o{number}" for number in range(random.choice((8, 20, 40)))]
        self._values = "abcdefgh"[: random.choice((2, 4, 8))]
        self._most = random.choice((0.72, 0.82, 1))
        """Two thirds of the sequences have no revocations and overrides, so that more is suspended and shared."""
        self._center = random.choice(("", "", "login=a", "crm=a"))
        """An identifier that most observations name, in half of the sequences."""

    def batch(self) -> list[Command]:
        return [self._command() for _ in range(self._random.choice((1, 1, 1, 2, 4)))]

    def _keys(self, number: int) -> list[str]:
        choice = self._random.choice
        if self._center and number > 1 and self._random.random() < 0.6:
            return list(dict.fromkeys((self._center, *self._keys(number - 1))))
        return list(dict.fromkeys(f"{choice(_NAMESPACES)}={choice(self._values)}" for _ in range(number)))

    def _command(self) -> Command:
        random, kind = self._random, self._random.random() * self._most
        id = random.choice(self._ids) if random.random() < 0.8 else ""
        if kind < 0.72:
            observation = seen(
                *self._keys(random.choice((1, 2, 2, 2, 3))),
                id=id,
                at=random.randint(0, 8),
                source=random.choice(_SOURCES),
                party=random.choice(list(Party)) if random.random() < 0.3 else Party.FIRST_PARTY,
                confidence=random.choice((None, None, None, None, 0.6, 0.95)),
            )
            return observe(observation, self._rules)
        if kind < 0.82 and self._rules.guards:
            return self._statement(id)
        keys = self._keys(2)
        if kind < 0.9 or len(keys) < 2:
            return revoke(random.choice(self._ids), random.choice(_SOURCES))
        chosen = random.choice(_KINDS)
        command = override(chosen, keys[0], "" if chosen is OverrideKind.BLOCKED else keys[1])
        return command if random.random() < 0.6 else remove_override(command.override.id)

    def _statement(self, id: str) -> Command:
        random = self._random
        keys = identifiers(self._keys(random.choice((1, 2))))
        values, at = {"birth_date": random.choice(_BIRTH_DATES)}, random.randint(0, 8) * SECOND
        statement = AttributesStatement(random.choice(_SOURCES), keys, values, id, reported_at=at)
        return prepare(statement.observation(), self._rules, NOW)
