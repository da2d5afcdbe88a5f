"""Scenario files: rules, what was seen, and the customers that are expected (design.md §8).

Values are raw: the rules in the file are the only ones, and nothing is normalised.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from graph.domain.model.dates import SECOND
from graph.domain.model.errors import InvalidInput, KithError, Problem
from graph.domain.model.identifiers import Identifier
from graph.domain.model.links import State
from graph.domain.model.observations import Observation, Statement, Tier, check, read
from graph.domain.model.overrides import Mark, MarkKind
from graph.domain.model.rules import STRONGER, Contested, NamespaceRule, Rules
from graph.domain.resolution.resolution import resolve

DEFAULT_SOURCE = "scenario"
_FAR_FUTURE = 2**62


class Seen(Struct, frozen=True, gc=False):
    """An observation of the file, by its name there."""

    observation: Observation


class Revoked(Struct, frozen=True, gc=False):
    """A line that withdraws the observation of a source and id."""

    source: str
    id: str


class Marked(Struct, frozen=True, gc=False):
    """A line with a steward's mark."""

    mark: Mark


class Unmarked(Struct, frozen=True, gc=False):
    """A line that takes a mark back, by what it says."""

    mark: Mark


Event = Seen | Revoked | Marked | Unmarked
Customers = list[list[str]]


class Scenario(Struct, frozen=True, gc=False):
    """A scenario file as values; `expect` is `None` where nothing is to be compared."""

    rules: Rules
    events: tuple[Event, ...]
    expect: Customers | None


class Outcome(Struct, frozen=True, gc=False):
    """What a scenario comes to."""

    customers: Customers
    suspended: list[tuple[str, str, str]]
    refused: list[tuple[str, str]]

    def as_json(self) -> dict[str, Any]:
        """The outcome in the form that `kith simulate` prints."""
        return {
            "customers": self.customers,
            "suspended": [{"link": [a, b], "reason": reason} for a, b, reason in self.suspended],
            "refused": [{"observation": name, "reason": reason} for name, reason in self.refused],
        }


class ScenarioError(InvalidInput):
    """A line of the file cannot be read; the message names it."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__("BAD_SCENARIO", f"line {line}: {message}", ("scenario",))


def in_order(customers: Iterable[Iterable[str]]) -> Customers:
    """Customers as lists of keys, sorted inside and among each other."""
    return sorted(sorted(keys) for keys in customers)


def _number(line: int, name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ScenarioError(line, f"{name}={text!r} is not a number") from None


def _whole(line: int, name: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise ScenarioError(line, f"{name}={text!r} is not a whole number")
    return int(text)


def _shared_above(line: int, text: str) -> dict[str, int]:
    """`20`, or `{stronger=20,order=200}` without spaces."""
    if not text.startswith("{"):
        return {STRONGER: _whole(line, "shared_above", text)}
    counts: dict[str, int] = {}
    for part in text.strip("{}").split(","):
        name, _, most = part.partition("=")
        counts[name] = _whole(line, f"shared_above {name}", most)
    return counts


def _namespace(line: int, words: Sequence[str]) -> NamespaceRule:
    rule = NamespaceRule(words[0])
    for word in words[1:]:
        name, _, value = word.partition("=")
        match name:
            case "limit":
                rule = replace(rule, limit=_whole(line, name, value))
            case "contested" if value in ("newest", "first"):
                rule = replace(rule, contested=Contested(value))
            case "contested":
                raise ScenarioError(line, f"contested={value!r}; allowed are newest and first")
            case "shared_above":
                rule = replace(rule, shared_above=_shared_above(line, value))
            case "blocked":
                rule = replace(rule, blocked=frozenset(value.split("|")))
            case _:
                raise ScenarioError(line, f"unknown word {word!r}; allowed are limit, contested, shared_above, blocked")
    return rule


def _key(line: int, word: str, rules: Rules) -> str:
    identifier = Identifier.from_key(word)
    if "=" not in word or not identifier.value:
        raise ScenarioError(line, f"{word!r} is not namespace=value")
    if identifier.namespace not in rules.by_name:
        raise ScenarioError(line, f"namespace {identifier.namespace!r} is not among the rules")
    return word


def _observation(line: int, position: int, words: Sequence[str], rules: Rules) -> Observation:
    seen_at = position * SECOND
    identifiers: list[tuple[str, str]] = []
    confidence: float | None = None
    source, party = DEFAULT_SOURCE, Tier.FIRST
    for word in words[1:]:
        if word.startswith("@"):
            seen_at = round(_number(line, "@", word[1:]) * SECOND)
            continue
        name, equals, value = word.partition("=")
        if not equals:
            raise ScenarioError(line, f"{word!r} is not name=value")
        if name in rules.by_name:
            identifiers.append(Identifier.from_key(_key(line, word, rules)))
        elif name == "statistical":
            confidence = _number(line, name, value)
        elif name == "source":
            source = value
        elif name == "party":
            if value not in ("first", "second", "third"):
                raise ScenarioError(line, f"party={value!r}; allowed are first, second and third")
            party = Tier[value.upper()]
        else:
            raise ScenarioError(line, f"namespace {name!r} is not among the rules")
    observation = Observation(source, tuple(identifiers), words[0], party, seen_at, confidence)
    if problem := check(observation, _FAR_FUTURE):
        raise ScenarioError(line, problem.message)
    return observation


def parse(text: str) -> Scenario:
    """Read a scenario file; raises `ScenarioError` with the line that is wrong."""
    sections: dict[str, list[tuple[int, list[str]]]] = {"seen": []}
    accept, namespaces, section = 0.9, [], ""
    for number, raw in enumerate(text.splitlines(), 1):
        words = _words(raw)
        if not words:
            continue
        if not raw[0].isspace() and words[0] in ("rules", "seen", "expect"):
            section = words[0]
            sections.setdefault(section, [])
            for word in words[1:]:
                name, _, value = word.partition("=")
                if section != "rules" or name != "accept":
                    raise ScenarioError(number, f"unknown word {word!r} after {section}")
                accept = _number(number, name, value)
        elif section == "rules":
            namespaces.append(_namespace(number, words))
        elif section:
            sections[section].append((number, words))
        else:
            raise ScenarioError(number, "expected 'rules', 'seen' or 'expect'")
    try:
        rules = Rules(tuple(namespaces), accept)
    except KithError as error:
        raise InvalidInput("BAD_SCENARIO", error.message, ("scenario", "rules")) from error
    events = _events(sections["seen"], rules)
    expect = sections.get("expect")
    customers = None if expect is None else in_order({_key(n, w, rules) for w in words} for n, words in expect)
    return Scenario(rules, events, customers)


def _words(raw: str) -> list[str]:
    """The words of a line up to a comment: a `#` at the start of a word."""
    words = raw.split()
    for index, word in enumerate(words):
        if word.startswith("#"):
            return words[:index]
    return words


_TAKES = {
    "revoke": "one name",
    "block": "one key",
    "unblock": "one key",
    "apart": "two keys",
    "together": "two keys",
    "unmark": "apart or together, and two keys",
}


def _mark(line: int, kind: MarkKind, words: Sequence[str], position: int, rules: Rules) -> Mark:
    if len(set(words)) < len(words):
        raise ScenarioError(line, f"{kind.value} names {words[0]!r} twice")
    keys = sorted(_key(line, word, rules) for word in words)
    return Mark(" ".join([kind.value, *keys]), kind, keys[0], "".join(keys[1:]), at=position * SECOND)


def _events(lines: Sequence[tuple[int, list[str]]], rules: Rules) -> tuple[Event, ...]:
    source_of: dict[str, str] = {}
    events: list[Event] = []
    for position, (line, words) in enumerate(lines, 1):
        match words:
            case ["revoke", name]:
                events.append(Revoked("", name))
            case ["apart" | "together" as kind, a, b]:
                events.append(Marked(_mark(line, MarkKind(kind), [a, b], position, rules)))
            case ["unmark", "apart" | "together" as kind, a, b]:
                events.append(Unmarked(_mark(line, MarkKind(kind), [a, b], position, rules)))
            case ["block" | "unblock" as what, key]:
                mark = _mark(line, MarkKind.BLOCKED, [key], position, rules)
                events.append(Marked(mark) if what == "block" else Unmarked(mark))
            case ["revoke" | "block" | "unblock" | "apart" | "together" | "unmark", *_]:
                raise ScenarioError(line, f"{words[0]} takes {_TAKES[words[0]]}")
            case _:
                observation = _observation(line, position, words, rules)
                if observation.id in source_of:
                    raise ScenarioError(line, f"the name {observation.id!r} is there twice")
                source_of[observation.id] = observation.source
                events.append(Seen(observation))
    return tuple(
        replace(event, source=source_of.get(event.id, DEFAULT_SOURCE)) if isinstance(event, Revoked) else event
        for event in events
    )


def simulate(scenario: Scenario) -> Outcome:
    """What the rule makes of a scenario, resolved from scratch."""
    revoked = {(event.source, event.id) for event in scenario.events if isinstance(event, Revoked)}
    marks: dict[str, Mark] = {}
    for event in scenario.events:
        if isinstance(event, Marked):
            marks[event.mark.id] = event.mark
        elif isinstance(event, Unmarked):
            marks.pop(event.mark.id, None)
    statements: list[Statement] = []
    refused: list[tuple[str, Problem]] = []
    for event in scenario.events:
        if not isinstance(event, Seen):
            continue
        seen = event.observation
        outcome = read(seen, scenario.rules)
        if outcome.refused is not None:
            refused.append((seen.id, outcome.refused))
        elif (seen.source, seen.id) not in revoked:
            statements.append(
                Statement(seen.source, seen.id, outcome.keys, seen.tier, seen.seen_at or 0, seen.confidence)
            )
    resolution = resolve(statements, tuple(marks.values()), scenario.rules)
    suspended = sorted(
        (a, b, reason.text if reason else "")
        for (a, b), (state, reason) in resolution.verdicts.items()
        if state is State.SUSPENDED
    )
    return Outcome(in_order(resolution.groups), suspended, sorted((name, problem.message) for name, problem in refused))
