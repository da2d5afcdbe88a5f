"""Retention: how long statements, single identifiers of them, and free texts may be kept (GDPR, Article 5(1)(e)).

Whether something has expired follows from the statement, the rules and the time alone. So it does not matter when a
statement arrives: what is stored and has expired is removed, and what has expired already is not stored.
"""

from collections.abc import Iterator
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from graph.domain.model.claims import claimed_source, origin_of
from graph.domain.model.dates import DAY
from graph.domain.model.facts import FactKind
from graph.domain.model.json_text import ordered, parse_stored
from graph.domain.model.observations import Observation, Party
from graph.domain.model.orders import without_identifiers

_TEXT = "text"
"""The name of the free text in the facts of an interaction."""


class RetainedPart(Enum):
    """The part of a statement that a rule is about."""

    STATEMENT = "statement"
    IDENTIFIER = "identifier"
    TEXT = "text"


class RetentionRule(Struct, frozen=True, kw_only=True):
    """How many days after its own time a part of a statement may be kept, or must be kept at least if it is a hold.

    It is about the statements of a `party`, of a `kind` and of a `source`, each if given: about the whole statement,
    only its identifiers of a `namespace`, or only its free `text`. The `reason` says why, for people.
    """

    days: int
    reason: str
    party: Party | None = None
    kind: FactKind | None = None
    source: str = ""
    namespace: str = ""
    text: bool = False

    @property
    def part(self) -> RetainedPart:
        """The part that it is about."""
        if self.text:
            return RetainedPart.TEXT
        return RetainedPart.IDENTIFIER if self.namespace else RetainedPart.STATEMENT

    @property
    def label(self) -> str:
        """What it is about, in the words of retention.toml: `kind external_segment, party third`."""
        kind = "text" if self.text else "" if self.kind is None else kind_name(self.kind)
        party = "" if self.party is None else party_name(self.party)
        parts = {"kind": kind, "party": party, "source": self.source, "namespace": self.namespace}
        return ", ".join(f"{name} {value}" for name, value in parts.items() if value) or "every statement"

    def end(self, seen_at: int) -> int:
        """Return when it ends for a statement of a time, both in microseconds."""
        return seen_at + self.days * DAY

    def covers(self, observation: Observation, kind: FactKind) -> bool:
        """Whether it is about an observation that counts as of a kind, or about a part of it."""
        return (
            (self.party is None or observation.party is self.party)
            and (self.kind is None or kind is self.kind)
            and (not self.source or origin_of(observation.source) == self.source)
        )


class ExpiryFilter(Struct, frozen=True):
    """Which stored observations a rule may be about: those seen before a time, in microseconds, that meet all others.

    `kinds` and `sources` are empty for any. With `namespace` they name an identifier of it, with `text` they have one.
    """

    before: int
    kinds: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    party: Party | None = None
    namespace: str = ""
    text: bool = False

    @property
    def part_of_sent(self) -> str:
        """What the text of such an observation (`Observation.as_sent`) contains; empty for any."""
        if self.text:
            # The facts are JSON text within JSON.
            return f'\\"{_TEXT}\\":'
        return f'["{self.namespace}",' if self.namespace else ""


class Remainder(Struct, frozen=True):
    """What may be kept of an observation: all of it, or a part.

    `identifiers` are those that have expired, as they were sent, each with its rule; `text` is the rule by which the
    free text has.
    """

    observation: Observation
    identifiers: tuple[tuple[tuple[str, str], RetentionRule], ...] = ()
    text: RetentionRule | None = None

    @property
    def complete(self) -> bool:
        """Whether nothing of the observation has expired."""
        return not self.identifiers and self.text is None


class Retention(Struct, frozen=True):
    """The rules by which statements expire, and the holds, which take precedence.

    Of several rules the one that ends first decides; then a part is kept as long as any hold for it has not ended. An
    interaction of `decision_types` is a consent decision, too, and is kept as one, because it proves the decision.
    """

    rules: tuple[RetentionRule, ...] = ()
    holds: tuple[RetentionRule, ...] = ()
    decision_types: frozenset[str] = frozenset()

    def remainder(self, observation: Observation, seen_at: int, now: int) -> Remainder | RetentionRule:
        """Return what may be kept at `now` of an observation that was seen at a time; both in microseconds.

        If nothing may be kept, return the rule that says so. An observation of which a part has expired keeps the id
        that it has as a whole.
        """
        if not any(rule.end(seen_at) <= now for rule in self.rules):
            return Remainder(observation)
        about = self._about(observation, seen_at)
        whole = about.ending(RetainedPart.STATEMENT)
        if whole is not None and whole[0] <= now:
            return whole[1]
        namespaces = dict.fromkeys(namespace for namespace, _ in observation.identifiers)
        endings = [(namespace, about.ending(RetainedPart.IDENTIFIER, namespace)) for namespace in namespaces]
        ended = {namespace: ending for namespace, ending in endings if ending is not None and ending[0] <= now}
        if len(ended) == len(namespaces):
            last = max(ended.values(), key=_at)
            if about.held_until <= now:
                return last[1]
            # Without any identifier, what must be kept would belong to nobody: those that expire last remain.
            ended = {namespace: ending for namespace, ending in ended.items() if ending[0] < last[0]}
        identifiers = tuple((pair, ended[pair[0]][1]) for pair in observation.identifiers if pair[0] in ended)
        text = about.ending(RetainedPart.TEXT) if _has_text(observation) else None
        text_rule = None if text is None or text[0] > now else text[1]
        return Remainder(_without(observation, identifiers, text_rule is not None), identifiers, text_rule)

    def expires_at(self, observation: Observation, seen_at: int) -> tuple[int, RetentionRule] | None:
        """Return when nothing of an observation may be kept (microseconds), by which rule or hold; `None` if never.

        Some of its identifiers and its free text may expire earlier.
        """
        if not self.rules:
            return None
        about = self._about(observation, seen_at)
        identifiers = [about.ending(RetainedPart.IDENTIFIER, namespace) for namespace, _ in observation.identifiers]
        endings = [about.ending(RetainedPart.STATEMENT)]
        if all(identifiers):
            last = max((ending for ending in identifiers if ending), key=_at)
            endings.append((max(last[0], about.held_until), last[1]))
        return min((ending for ending in endings if ending), key=_at, default=None)

    def _about(self, observation: Observation, seen_at: int) -> "_Endings":
        """Return when the rules and holds end that are about an observation."""
        kind = self._kind(observation)
        return _Endings(
            [(rule.end(seen_at), rule) for rule in self.rules if rule.covers(observation, kind)],
            [(hold.end(seen_at), hold) for hold in self.holds if hold.covers(observation, kind)],
        )

    def filters(self, now: int) -> list[ExpiryFilter]:
        """Return what stored observations must meet to be asked for their `remainder` at `now` (microseconds)."""
        return [
            ExpiryFilter(
                now - rule.days * DAY + 1,
                self._kinds(rule),
                (rule.source, claimed_source(rule.source)) if rule.source else (),
                rule.party,
                rule.namespace,
                rule.text,
            )
            for rule in self.rules
        ]

    def _kinds(self, rule: RetentionRule) -> tuple[str, ...]:
        if rule.text:
            return (FactKind.INTERACTION.value,)
        if rule.kind is None:
            return ()
        if rule.kind is FactKind.CONSENT and self.decision_types:
            return (FactKind.CONSENT.value, FactKind.INTERACTION.value)
        return (rule.kind.value,)

    def _kind(self, observation: Observation) -> FactKind:
        """Return the kind that an observation counts as."""
        kind = FactKind(observation.kind)
        if kind is FactKind.INTERACTION and self.decision_types:
            return FactKind.CONSENT if parse_stored(observation.facts)["type"] in self.decision_types else kind
        return kind


def kind_name(kind: FactKind) -> str:
    """Return the name of a kind in retention.toml."""
    return kind.value or "observation"


def party_name(party: Party) -> str:
    """Return the name of a party in retention.toml."""
    return party.name.lower().removesuffix("_party")


_Ending = tuple[int, RetentionRule]
"""When a rule or a hold ends, in microseconds."""


class _Endings(Struct, frozen=True):
    """When the rules and holds end that are about one observation."""

    rules: list[_Ending]
    holds: list[_Ending]

    def ending(self, part: RetainedPart, namespace: str = "") -> _Ending | None:
        """Return when a part expires: with the first rule, or with the last hold if that is later; `None` if never."""
        first = min(_about_part(self.rules, part, namespace), key=_at, default=None)
        return None if first is None else max((first, *_about_part(self.holds, part, namespace)), key=_at)

    @property
    def held_until(self) -> int:
        """When the last hold of the whole statement ends; 0 without one."""
        return max((at for at, _ in _about_part(self.holds, RetainedPart.STATEMENT, "")), default=0)


def _about_part(endings: list[_Ending], part: RetainedPart, namespace: str) -> Iterator[_Ending]:
    return (ending for ending in endings if ending[1].part is part and ending[1].namespace == namespace)


def _at(ending: _Ending) -> int:
    return ending[0]


def _has_text(observation: Observation) -> bool:
    return observation.kind == FactKind.INTERACTION.value and _TEXT in parse_stored(observation.facts)


def _without(
    observation: Observation, identifiers: tuple[tuple[tuple[str, str], RetentionRule], ...], text_expired: bool
) -> Observation:
    """Return an observation without some of its identifiers, and without its text if that has expired."""
    if not identifiers and not text_expired:
        return observation
    expired = {pair for pair, _ in identifiers}
    facts = observation.facts
    if text_expired:
        facts = ordered({name: value for name, value in parse_stored(facts).items() if name != _TEXT})
    if identifiers and observation.kind == FactKind.ORDER.value:
        facts = without_identifiers(facts)
    return replace(
        observation,
        id=observation.id or observation.digest,
        identifiers=tuple(pair for pair in observation.identifiers if pair not in expired),
        facts=facts,
    )
