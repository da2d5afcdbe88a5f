"""Scenario files: rules, observations and overrides, and the expected customers.

docs/guides/changing-rules.md describes the notation. Only the rules in the file apply; values are not normalized.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from graph.domain.model.dates import SECOND
from graph.domain.model.errors import InvalidInput, KithError, Problem
from graph.domain.model.facts import FactKind, evidence_statement
from graph.domain.model.identifiers import Identifier, namespace_of
from graph.domain.model.json_text import ordered
from graph.domain.model.links import LinkState
from graph.domain.model.observations import EvidenceStatement, Observation, Party, check_content, normalize
from graph.domain.model.overrides import Override, OverrideKind
from graph.domain.model.rules import STRONGER, Composite, Contested, Guard, NamespaceRule, Rules
from graph.domain.model.times import LAST
from graph.domain.model.tombstones import Tombstone, TombstoneMode, combined
from graph.domain.resolution.erased import REASON, dropped_keys, named_keys, what_remains
from graph.domain.resolution.resolution import resolve

DEFAULT_SOURCE = "scenario"


class ObservationEvent(Struct, frozen=True, gc=False):
    """A line with an observation; its id is its name in the file."""

    observation: Observation


class RevocationEvent(Struct, frozen=True, gc=False):
    """A line that revokes the observation of a source and id."""

    source: str
    id: str


class OverrideSetEvent(Struct, frozen=True, gc=False):
    """A line that sets an override."""

    override: Override


class OverrideRemovedEvent(Struct, frozen=True, gc=False):
    """A line that removes an override, given by its kind and keys."""

    override: Override


class ErasureEvent(Struct, frozen=True, gc=False):
    """A line that erases or suppresses identifiers, or lifts the suppression of one, at a time in microseconds."""

    keys: tuple[str, ...]
    at: int
    mode: TombstoneMode | None
    """`None` for a suppression that is lifted."""


Event = ObservationEvent | RevocationEvent | OverrideSetEvent | OverrideRemovedEvent | ErasureEvent
Customers = list[list[str]]


class Scenario(Struct, frozen=True, gc=False):
    """A scenario file as values; `expect` is `None` if the file has no expectation."""

    rules: Rules
    events: tuple[Event, ...]
    expect: Customers | None


class ScenarioResult(Struct, frozen=True, gc=False):
    """The result of a scenario."""

    customers: Customers
    suspended: list[tuple[str, str, str]]
    rejected: list[tuple[str, str]]

    def as_json(self) -> dict[str, Any]:
        """Return the result in the form that `kith simulate` prints."""
        return {
            "customers": self.customers,
            "suspended": [{"link": [a, b], "reason": reason} for a, b, reason in self.suspended],
            "rejected": [{"observation": name, "reason": reason} for name, reason in self.rejected],
        }


class ScenarioError(InvalidInput):
    """A line of the file is invalid; the message has its number."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__("INVALID_SCENARIO", f"line {line}: {message}", ("scenario",))


def sorted_customers(customers: Iterable[Iterable[str]]) -> Customers:
    """Return customers as lists of keys, both sorted."""
    return sorted(sorted(keys) for keys in customers)


def _number(line: int, name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ScenarioError(line, f"{name}={text!r} is not a number") from None


def _seconds(line: int, text: str) -> int:
    """Parse a time, such as `@1` or `@1.5`, into microseconds."""
    seconds = _number(line, "@", text.removeprefix("@"))
    if not abs(seconds) <= LAST // SECOND:
        raise ScenarioError(line, f"{text} is not a time in seconds")
    return round(seconds * SECOND)


def _whole(line: int, name: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise ScenarioError(line, f"{name}={text!r} is not a whole number")
    return int(text)


def _shared_above(line: int, text: str) -> dict[str, int]:
    """Parse `20`, or `{stronger=20,order=200}` without spaces."""
    if not text.startswith("{"):
        return {STRONGER: _whole(line, "shared_above", text)}
    counts: dict[str, int] = {}
    for part in text.strip("{}").split(","):
        name, _, count = part.partition("=")
        counts[name] = _whole(line, f"shared_above {name}", count)
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
            case "guarded" if value in ("yes", "no"):
                rule = replace(rule, guarded=value == "yes")
            case "guarded":
                raise ScenarioError(line, f"guarded={value!r}; allowed are yes and no")
            case _:
                raise ScenarioError(
                    line, f"unknown word {word!r}; allowed are limit, contested, shared_above, blocked, guarded"
                )
    return rule


def _guard(line: int, words: Sequence[str]) -> Guard:
    if len(words) != 3:
        raise ScenarioError(line, "guard takes an attribute and a comparison")
    return Guard(words[1], words[2])


def _composite(line: int, words: Sequence[str]) -> Composite:
    if len(words) < 4:
        raise ScenarioError(line, "composite takes a namespace and two or more attributes")
    return Composite(words[1], tuple(words[2:]))


def _key(line: int, word: str, rules: Rules) -> str:
    identifier = Identifier.from_key(word)
    if "=" not in word or not identifier.value:
        raise ScenarioError(line, f"{word!r} is not namespace=value")
    if identifier.namespace not in rules.by_name:
        raise ScenarioError(line, f"namespace {identifier.namespace!r} is not among the rules")
    return word


_ATTRIBUTE = re.compile(r"([a-z0-9_]+(?:[.][a-z0-9_]+)?):(.*)")
"""A statement of an attribute, or of a part of an address; behind the colon `-`, or nothing, takes the value back."""


def _set_attribute(attributes: dict[str, Any], path: str, value: str) -> None:
    name, _, part = path.partition(".")
    value = "" if value == "-" else value
    if part:
        attributes.setdefault(name, {})[part] = value
    else:
        attributes[name] = value or None


def _observation(line: int, position: int, words: Sequence[str], rules: Rules) -> Observation:
    seen_at = position * SECOND
    identifiers: list[tuple[str, str]] = []
    confidence: float | None = None
    source, party = DEFAULT_SOURCE, Party.FIRST_PARTY
    attributes: dict[str, Any] = {}
    for word in words[1:]:
        if word.startswith("@"):
            seen_at = _seconds(line, word)
            continue
        if match := _ATTRIBUTE.fullmatch(word):
            _set_attribute(attributes, *match.groups())
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
            party = Party[f"{value.upper()}_PARTY"]
        else:
            raise ScenarioError(line, f"namespace {name!r} is not among the rules")
    kind, facts = (FactKind.ATTRIBUTES.value, ordered(attributes)) if attributes else ("", "")
    observation = Observation(source, tuple(identifiers), words[0], party, seen_at, confidence, facts=facts, kind=kind)
    if problem := check_content(observation):
        raise ScenarioError(line, problem.message)
    return observation


def parse(text: str) -> Scenario:
    """Read a scenario file; raises `ScenarioError` with the line that is wrong."""
    sections: dict[str, list[tuple[int, list[str]]]] = {"seen": []}
    min_confidence, namespaces, section = 0.9, [], ""
    returning: frozenset[str] = frozenset()
    guards: list[Guard] = []
    composites: list[Composite] = []
    for number, raw in enumerate(text.splitlines(), 1):
        words = _words(raw)
        if not words:
            continue
        if not raw[0].isspace() and words[0] in ("rules", "seen", "expect"):
            section = words[0]
            sections.setdefault(section, [])
            for word in words[1:]:
                name, _, value = word.partition("=")
                if section == "rules" and name == "min_confidence":
                    min_confidence = _number(number, name, value)
                elif section == "rules" and name == "returning":
                    returning = frozenset(value.split("|"))
                else:
                    raise ScenarioError(number, f"unknown word {word!r} after {section}")
        elif section == "rules" and words[0] == "composite":
            composites.append(_composite(number, words))
        elif section == "rules" and words[0] == "guard":
            guards.append(_guard(number, words))
        elif section == "rules":
            namespaces.append(_namespace(number, words))
        elif section:
            sections[section].append((number, words))
        else:
            raise ScenarioError(number, "expected 'rules', 'seen' or 'expect'")
    try:
        rules = Rules(
            tuple(namespaces),
            min_confidence,
            guards=tuple(guards),
            composites=tuple(composites),
            returning=returning,
        )
    except KithError as error:
        raise InvalidInput("INVALID_SCENARIO", error.message, ("scenario", "rules")) from error
    events = _events(sections["seen"], rules)
    expect = sections.get("expect")
    customers = None if expect is None else sorted_customers({_key(n, w, rules) for w in words} for n, words in expect)
    return Scenario(rules, events, customers)


def _words(raw: str) -> list[str]:
    """Return the words of a line before a comment, which starts with a `#` at the start of a word."""
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


def _override(line: int, kind: OverrideKind, words: Sequence[str], position: int, rules: Rules) -> Override:
    if len(set(words)) < len(words):
        raise ScenarioError(line, f"{kind.value} names {words[0]!r} twice")
    keys = sorted(_key(line, word, rules) for word in words)
    return Override(" ".join([kind.value, *keys]), kind, keys[0], "".join(keys[1:]), at=position * SECOND)


def _erasure(line: int, action: str, words: Sequence[str], position: int, rules: Rules) -> ErasureEvent:
    at = next((_seconds(line, word) for word in words if word.startswith("@")), position * SECOND)
    keys = tuple(_key(line, word, rules) for word in words if not word.startswith("@"))
    mode = {"erase": TombstoneMode.ERASED, "suppress": TombstoneMode.SUPPRESSED}.get(action)
    return ErasureEvent(keys, at, mode)


def tombstones_of(events: Iterable[Event]) -> dict[str, Tombstone]:
    """Return the tombstones of some events, by key."""
    tombstones: dict[str, Tombstone] = {}
    for event in events:
        if not isinstance(event, ErasureEvent):
            continue
        for key in event.keys:
            before = tombstones.get(key)
            if event.mode is not None:
                made = Tombstone(key, namespace_of(key), event.at, event.mode, 0, 0)
                tombstones[key] = combined(before, made)
            elif before is not None:
                tombstones[key] = before.lifted(event.at)
    return tombstones


def _events(lines: Sequence[tuple[int, list[str]]], rules: Rules) -> tuple[Event, ...]:
    source_of: dict[str, str] = {}
    events: list[Event] = []
    for position, (line, words) in enumerate(lines, 1):
        match words:
            case ["revoke", name]:
                events.append(RevocationEvent("", name))
            case ["apart" | "together" as kind, a, b]:
                events.append(OverrideSetEvent(_override(line, OverrideKind(kind), [a, b], position, rules)))
            case ["unmark", "apart" | "together" as kind, a, b]:
                events.append(OverrideRemovedEvent(_override(line, OverrideKind(kind), [a, b], position, rules)))
            case ["block" | "unblock" as action, key]:
                override = _override(line, OverrideKind.BLOCKED, [key], position, rules)
                events.append(OverrideSetEvent(override) if action == "block" else OverrideRemovedEvent(override))
            case ["erase" | "suppress" | "lift" as action, *keys] if keys:
                events.append(_erasure(line, action, keys, position, rules))
            case ["erase" | "suppress" | "lift" as action]:
                raise ScenarioError(line, f"{action} takes one key or more, and a time")
            case ["revoke" | "block" | "unblock" | "apart" | "together" | "unmark", *_]:
                raise ScenarioError(line, f"{words[0]} takes {_TAKES[words[0]]}")
            case _:
                observation = _observation(line, position, words, rules)
                if observation.id in source_of:
                    raise ScenarioError(line, f"duplicate name {observation.id!r}")
                source_of[observation.id] = observation.source
                events.append(ObservationEvent(observation))
    return tuple(
        replace(event, source=source_of.get(event.id, DEFAULT_SOURCE)) if isinstance(event, RevocationEvent) else event
        for event in events
    )


def simulate(scenario: Scenario) -> ScenarioResult:
    """Resolve a scenario from scratch."""
    tombstones = tombstones_of(scenario.events)
    revoked = {(event.source, event.id) for event in scenario.events if isinstance(event, RevocationEvent)}
    overrides: dict[str, Override] = {}
    for event in scenario.events:
        if isinstance(event, OverrideSetEvent):
            overrides[event.override.id] = event.override
        elif isinstance(event, OverrideRemovedEvent):
            overrides.pop(event.override.id, None)
    overrides = {id: override for id, override in overrides.items() if tombstones.keys().isdisjoint(override.keys)}
    statements: list[EvidenceStatement] = []
    rejected: list[tuple[str, Problem]] = []
    for event in scenario.events:
        if not isinstance(event, ObservationEvent):
            continue
        observation = event.observation
        if not tombstones.keys().isdisjoint(normalized_keys := named_keys(observation, scenario.rules)):
            own = {key: tombstones[key] for key in normalized_keys if key in tombstones}
            erased = dropped_keys(observation, observation.seen_at or 0, own, scenario.rules.returning)
            remaining = what_remains(observation, erased, scenario.rules) if erased else observation
            if remaining is None:
                rejected.append((observation.id, Problem("IDENTIFIER_SUPPRESSED", f"every identifier of it {REASON}")))
                continue
            observation = remaining
        normalized = normalize(observation, scenario.rules)
        if normalized.rejected is not None:
            rejected.append((observation.id, normalized.rejected))
        elif (observation.source, observation.id) not in revoked:
            statements.append(
                evidence_statement(observation, normalized.keys, observation.seen_at or 0, scenario.rules)
            )
    resolution = resolve(statements, tuple(overrides.values()), scenario.rules)
    suspended = sorted(
        (a, b, reason.message if reason else "")
        for (a, b), (state, reason) in resolution.verdicts.items()
        if state is LinkState.SUSPENDED
    )
    return ScenarioResult(
        sorted_customers(resolution.groups), suspended, sorted((name, problem.message) for name, problem in rejected)
    )
