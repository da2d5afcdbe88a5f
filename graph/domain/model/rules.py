"""The rules of the namespaces as plain values (docs/reference/rules-toml.md)."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from functools import cached_property, lru_cache
from typing import NamedTuple

from msgspec import Struct, field

from graph.domain.model import normalization
from graph.domain.model.claims import origin_of
from graph.domain.model.cleaning import clean, clean_value
from graph.domain.model.comparison import COMPARISONS
from graph.domain.model.composites import SEPARATOR, normalized_part
from graph.domain.model.errors import InvalidInput, RulesError
from graph.domain.model.identifiers import FORBIDDEN_CHARACTERS, MASK, MAX_VALUE_LENGTH, Identifier, namespace_of
from graph.domain.model.phone_numbers import region_of

STRONGER = "stronger"
"""The name under which `shared_above` counts all identifiers of stronger namespaces."""

VALUE_CACHE_SIZE = 5_000
"""Values per namespace whose normalized form is cached."""

NAMESPACE_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")

ORDER_NAMESPACE = "order"
"""The namespace of order numbers."""

COUNTRY_SEPARATOR = ";phone-context="
"""Separates a raw value from the country in which a phone number without a calling code is read (after RFC 3966)."""


_ALONE = re.compile(r"\\[1-9]|\(\?P|\(\?\(|(?<!^)\(\?[aiLmsux]+\)|^\(\?(?!i\))[aiLmsux]+\)")
"""What a pattern cannot have as one of several alternatives: references, named groups, other flags than `(?i)`."""


class Contested(Enum):
    """Which claim wins if two customers claim an identifier."""

    NEWEST = "newest"
    FIRST = "first"


class Proves(Enum):
    """What an identifier proves about the person who presents it."""

    NOTHING = "nothing"
    """Nothing: others can have it too. E.g. a cookie of a shared computer, or an order number, which can be guessed."""
    POSSESSION = "possession"
    """That the person has something of the customer's. E.g. a card, or knows an address."""
    IDENTITY = "identity"
    """That the person is the customer. E.g. a login."""


PROVES = {
    **dict.fromkeys(
        ("cookie", "device", "ip", "mac", "session", "fingerprint", "idfa", "idfv", "gaid", "payment_token", "order"),
        Proves.NOTHING,
    ),
    **dict.fromkeys(("login", "crm_id"), Proves.IDENTITY),
}
"""What identifiers of a namespace prove if the rules do not say, by its name; those of others prove possession."""
GUESSABLE = frozenset({"order", "ip"})
"""Namespaces that prove nothing and whose values can be counted up: nobody sees what is attached to them alone."""


class DroppedIdentifierCode(Enum):
    """Why an identifier was dropped."""

    BLOCKED = "BLOCKED"
    EMPTY = "EMPTY"
    INVALID = "INVALID"
    TOO_SHORT = "TOO_SHORT"
    TOO_LONG = "TOO_LONG"
    SUPPRESSED = "SUPPRESSED"
    """The person behind it was erased, or must not be stored: see `Tombstone`."""
    EXPIRED = "EXPIRED"
    CONSENT_REQUIRED = "CONSENT_REQUIRED"
    """Its namespace needs a consent that is not given at it."""


class DroppedIdentifier(Struct, frozen=True, gc=False):
    """An identifier of an observation that was dropped."""

    namespace: str
    value: str
    code: DroppedIdentifierCode
    reason: str


class NamespaceRule(Struct, frozen=True, gc=False):
    """The rules of one namespace; `None` means no limit. `blocked` has exact values, `blocked_patterns` regular
    expressions that match whole values."""

    name: str
    limit: int | None = None
    contested: Contested = Contested.NEWEST
    shared_above: Mapping[str, int] = field(default_factory=dict)
    normalize: tuple[str, ...] = ()
    blocked: frozenset[str] = frozenset()
    blocked_patterns: tuple[str, ...] = ()
    min_length: int = 1
    known: bool = False
    guarded: bool = True
    """Whether guards suspend links whose weaker end is of this namespace."""
    proves: Proves | None = None
    """What an identifier proves about who presents it; `None` if the rules do not say (see `PROVES`)."""
    requires_consent: str = ""
    """The purpose for which consent must be given at an identifier before it is taken up; empty for none."""

    @property
    def proof(self) -> Proves:
        """What an identifier proves: what the rules say, else by the name of the namespace."""
        return self.proves or PROVES.get(self.name, Proves.POSSESSION)


class Guard(Struct, frozen=True, gc=False):
    """An attribute whose values must not contradict each other in one customer.

    `attribute` is its name, or that of a part of an address (`address.postal_code`). `compare` names the comparison
    of its values (`comparison.py`).
    """

    attribute: str
    compare: str


class Composite(Struct, frozen=True, gc=False):
    """An identifier of `namespace` that a statement of attributes names if it states all the attributes of `of`."""

    namespace: str
    of: tuple[str, ...]


class SourceRule(Struct, frozen=True, gc=False):
    """What holds for the data of one source; empty if the rules do not say."""

    name: str
    country: str = ""
    """The country (ISO 3166) of its phone numbers without a calling code."""
    currency: str = ""
    """The currency (ISO 4217) of its orders without one."""


def with_country(value: str, country: str) -> str:
    """Return a raw value with the country in which it is read; one that names a country already keeps it."""
    if not country or not value.strip() or COUNTRY_SEPARATOR in value:
        return value
    return f"{value}{COUNTRY_SEPARATOR}{country}"


def _matchers(patterns: Sequence[str]) -> list[Callable[[str], object]]:
    """Return functions that match whole values: one for all patterns that can be alternatives of one pattern.

    Every new value is compared with all patterns, which takes a third of the time this way. References to groups
    depend on their numbers, so patterns that have one stay alone.
    """
    for pattern in patterns:
        _compiled(pattern)
    joined = [f"(?i:{p[4:]})" if p.startswith("(?i)") else f"(?:{p})" for p in patterns if not _ALONE.search(p)]
    alone = [_compiled(pattern).fullmatch for pattern in patterns if _ALONE.search(pattern)]
    return [re.compile("|".join(joined)).fullmatch, *alone] if joined else [*alone]


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(f"the blocked pattern {pattern!r} is not a regular expression: {error}") from error


_NAME = "{attribute}"


class _DroppedPart(NamedTuple):
    """Why a part of a composite value drops it; `_NAME` in the reason stands for the attribute."""

    code: DroppedIdentifierCode
    reason: str


class _Normalizer:
    """The compiled rules of a namespace: returns the normalized form of a raw value, or why it is dropped."""

    def __init__(self, rule: NamespaceRule, parts: Sequence[str] = ()) -> None:
        """`parts` are the attributes of a composite namespace."""
        self._rule = rule
        self._parts = parts
        if parts and rule.normalize:
            raise ValueError("a composite has no steps in 'normalize': its parts are folded")
        self._steps = tuple(normalization.step(name) for name in rule.normalize)
        if "gmail" in rule.normalize and "email" not in rule.normalize[: rule.normalize.index("gmail")]:
            raise ValueError("the step 'gmail' must come after the step 'email'")
        self.reads_country = any(name.startswith(normalization.PHONE) for name in rule.normalize)
        self._blocking = _matchers(rule.blocked_patterns)
        # The same values are sent over and over, and validating an email address takes 0.15 ms.
        self.normalize = lru_cache(maxsize=VALUE_CACHE_SIZE)(self._normalize)
        self._part = lru_cache(maxsize=VALUE_CACHE_SIZE)(self._normalize_part)

    def forget_values(self) -> None:
        """Empty the caches."""
        self.normalize.cache_clear()
        self._part.cache_clear()

    def _steps_in(self, country: str) -> Iterable[normalization.NormalizationStep]:
        """Return the steps, with phone numbers read in a country; raises `ValueError` if it is unknown."""
        if not (country and self.reads_country):
            return self._steps
        region = region_of(country)
        return [normalization.step(name, region) for name in self._rule.normalize]

    def _is_blocked(self, value: str) -> bool:
        if value in self._rule.blocked:
            return True
        for matches in self._blocking:  # noqa: SIM110 - runs for every new value; a generator takes twice as long
            if matches(value):
                return True
        return False

    def _dropped(self, raw: str, code: DroppedIdentifierCode, reason: str) -> DroppedIdentifier:
        return DroppedIdentifier(self._rule.name, raw, code, reason)

    def _normalize(self, raw: str, source_country: str = "") -> str | DroppedIdentifier:
        if len(raw) > MAX_VALUE_LENGTH:
            reason = f"has {len(raw)} characters; {MAX_VALUE_LENGTH} are allowed"
            return self._dropped(raw[:40] + "…", DroppedIdentifierCode.TOO_LONG, reason)
        if FORBIDDEN_CHARACTERS.search(raw):
            reason = "contains a character that is not allowed"
            return self._dropped(ascii(raw)[1:-1], DroppedIdentifierCode.INVALID, reason)
        if self._parts:
            return self._normalize_parts(raw)
        raw, _, country = raw.partition(COUNTRY_SEPARATOR)
        try:
            cleaned = value = clean_value(raw)
            if not cleaned:
                return self._dropped(raw, DroppedIdentifierCode.EMPTY, "is empty")
            # Placeholders are matched before normalizing too: that `unknown` is blocked says more than that it is
            # invalid.
            if self._is_blocked(cleaned):
                return self._dropped(raw, DroppedIdentifierCode.BLOCKED, "is a blocked placeholder")
            for step in self._steps_in(country or source_country):
                value = step(value)
        except ValueError as error:
            return self._dropped(raw, DroppedIdentifierCode.INVALID, str(error))
        if not value:
            return self._dropped(raw, DroppedIdentifierCode.EMPTY, "is empty")
        if value != cleaned and self._is_blocked(value):
            return self._dropped(raw, DroppedIdentifierCode.BLOCKED, "is a blocked placeholder")
        return self._with_permitted_length(raw, value)

    def _normalize_parts(self, raw: str) -> str | DroppedIdentifier:
        whole = clean(raw)
        if not whole:
            return self._dropped(raw, DroppedIdentifierCode.EMPTY, "is empty")
        if self._is_blocked(whole):
            return self._dropped(raw, DroppedIdentifierCode.BLOCKED, "is a blocked placeholder")
        parts = raw.split(SEPARATOR)
        if len(parts) != len(self._parts):
            count = "1 part" if len(parts) == 1 else f"{len(parts)} parts"
            reason = f"has {count}; {len(self._parts)} are required, separated by |: {', '.join(self._parts)}"
            return self._dropped(raw, DroppedIdentifierCode.INVALID, reason)
        normalized: list[str] = []
        for name, part in zip(self._parts, parts, strict=True):
            text = self._part(part)
            if isinstance(text, _DroppedPart):
                return self._dropped(raw, text.code, text.reason.replace(_NAME, name))
            normalized.append(text)
        value = SEPARATOR.join(normalized)
        if value != whole and self._is_blocked(value):
            return self._dropped(raw, DroppedIdentifierCode.BLOCKED, "is a blocked placeholder")
        return self._with_permitted_length(raw, value)

    def _normalize_part(self, part: str) -> "str | _DroppedPart":
        try:
            cleaned = clean_value(part, is_identifier=False)
        except ValueError as error:
            return _DroppedPart(DroppedIdentifierCode.INVALID, f"has a {_NAME} that {error}")
        text = normalized_part(cleaned)
        # Folding leaves nothing of the slash in `n/a`, so placeholders are matched before it, too.
        if self._is_blocked(cleaned) or (text != cleaned and self._is_blocked(text)):
            return _DroppedPart(DroppedIdentifierCode.BLOCKED, f"has a blocked placeholder in {_NAME}")
        return text or _DroppedPart(DroppedIdentifierCode.EMPTY, f"has no letter or digit in {_NAME}")

    def _with_permitted_length(self, raw: str, value: str) -> str | DroppedIdentifier:
        if len(value) < self._rule.min_length:
            reason = f"is shorter than {self._rule.min_length} characters"
            return self._dropped(raw, DroppedIdentifierCode.TOO_SHORT, reason)
        if len(value) > MAX_VALUE_LENGTH:
            reason = f"is longer than {MAX_VALUE_LENGTH} characters"
            return self._dropped(raw[:40] + "…", DroppedIdentifierCode.TOO_LONG, reason)
        return value


class Rules(Struct, frozen=True, dict=True):
    """The rules of all namespaces, strongest first, and those that apply to all.

    `min_confidence` is the lowest confidence at which a probabilistic link counts. `sources` are the rules of sources
    that have some, by name. `guards` are in the order in which contradictions are reported. `returning` are the sources
    whose later statements bring back a person who was erased, such as the one of sign-ups.
    """

    namespaces: tuple[NamespaceRule, ...]
    min_confidence: float = 0.9
    sources: Mapping[str, SourceRule] = field(default_factory=dict)
    guards: tuple[Guard, ...] = ()
    composites: tuple[Composite, ...] = ()
    returning: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        names = [rule.name for rule in self.namespaces]
        for name in names:
            if not NAMESPACE_NAME.fullmatch(name):
                raise RulesError(f"namespace {name!r}: names consist of a-z, 0-9 and _ and start with a letter")
            if names.count(name) > 1:
                raise RulesError(f"duplicate namespace {name!r}")
        if not 0 <= self.min_confidence <= 1:
            raise RulesError(f"min_confidence is {self.min_confidence!r}; 0 to 1 is allowed")
        for rule in self.namespaces:
            for counted, most in rule.shared_above.items():
                if counted != STRONGER and counted not in names:
                    raise RulesError(
                        f"namespace {rule.name!r}: shared_above names {counted!r}, which is not a namespace"
                    )
                if most < 1:
                    raise RulesError(f"namespace {rule.name!r}: shared_above is {most}; 1 or more is allowed")
            if rule.requires_consent and rule.name == ORDER_NAMESPACE:
                raise RulesError("namespace 'order': requires_consent is for identifiers of devices, not of orders")
            if rule.limit is not None and rule.limit < 1:
                raise RulesError(f"namespace {rule.name!r}: limit is {rule.limit}; 1 or more is allowed")
        for guard in self.guards:
            if guard.compare not in COMPARISONS:
                raise RulesError(
                    f"guard {guard.attribute!r}: compare is {guard.compare!r}; allowed are {', '.join(COMPARISONS)}"
                )
            if [other.attribute for other in self.guards].count(guard.attribute) > 1:
                raise RulesError(f"duplicate guard {guard.attribute!r}")
        for composite in self.composites:
            name = composite.namespace
            if name not in names:
                raise RulesError(f"composite {name!r} is not a namespace")
            if [other.namespace for other in self.composites].count(name) > 1:
                raise RulesError(f"duplicate composite {name!r}")
            if self.namespaces[names.index(name)].requires_consent:
                raise RulesError(f"composite {name!r}: requires_consent is for identifiers that are sent")
            if name == ORDER_NAMESPACE:
                raise RulesError("composite 'order': orders have numbers, which are not composite")
            if len(composite.of) < 2 or len(set(composite.of)) < len(composite.of):
                raise RulesError(f"composite {name!r}: 'of' needs two or more different attributes")
        _ = self._normalizers  # compiles steps and patterns, and raises for those that are not valid
        for source in self.sources.values():
            try:
                if source.country:
                    region_of(source.country)
            except ValueError as error:
                raise RulesError(f"source {source.name!r}: {error}") from error

    @cached_property
    def rank(self) -> Mapping[str, int]:
        """The ranks by namespace; 0 is the strongest."""
        return {rule.name: rank for rank, rule in enumerate(self.namespaces)}

    @cached_property
    def by_name(self) -> Mapping[str, NamespaceRule]:
        """The rules by namespace."""
        return {rule.name: rule for rule in self.namespaces}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The namespaces, strongest first."""
        return tuple(self.by_name)

    @cached_property
    def limits(self) -> Mapping[str, int]:
        """The limits by namespace, of those that have one."""
        return {rule.name: rule.limit for rule in self.namespaces if rule.limit is not None}

    @cached_property
    def guarded_namespaces(self) -> frozenset[str]:
        """The namespaces at which guards suspend links; empty without guards."""
        return frozenset(rule.name for rule in self.namespaces if rule.guarded and self.guards)

    @cached_property
    def composite_parts(self) -> Mapping[str, tuple[str, ...]]:
        """The attributes of each composite namespace."""
        return {composite.namespace: composite.of for composite in self.composites}

    @cached_property
    def proof(self) -> Mapping[str, Proves]:
        """What identifiers prove about who presents them, by namespace."""
        return {rule.name: rule.proof for rule in self.namespaces}

    def proves_something(self, key: str) -> bool:
        """Return whether a key proves anything about who presents it; one of an unknown namespace does not."""
        return self.proof.get(namespace_of(key), Proves.NOTHING) is not Proves.NOTHING

    @cached_property
    def consent_purposes(self) -> Mapping[str, str]:
        """The purposes for which consent must be given at identifiers, by the namespaces that need one."""
        return {rule.name: rule.requires_consent for rule in self.namespaces if rule.requires_consent}

    @cached_property
    def known_namespaces(self) -> frozenset[str]:
        """The namespaces whose identifiers make a customer known."""
        return frozenset(rule.name for rule in self.namespaces if rule.known)

    @cached_property
    def _normalizers(self) -> Mapping[str, _Normalizer]:
        normalizers: dict[str, _Normalizer] = {}
        for rule in self.namespaces:
            try:
                normalizers[rule.name] = _Normalizer(rule, self.composite_parts.get(rule.name, ()))
            except ValueError as error:
                raise RulesError(f"namespace {rule.name!r}: {error}") from error
        return normalizers

    def forget_values(self) -> None:
        """Empty the caches of normalized values, which may hold those of somebody who was erased."""
        for normalizer in self._normalizers.values():
            normalizer.forget_values()

    def normalize_value(self, namespace: str, raw: str, source: str = "") -> str | DroppedIdentifier:
        """Return the normalized value, or why it is dropped. The rules must have the namespace.

        A phone number without a calling code is read in the country behind `;phone-context=` in `raw`, else in that of
        its source, else in the default country of the namespace.
        """
        if MASK in raw:
            return DroppedIdentifier(namespace, raw, DroppedIdentifierCode.INVALID, "is masked")
        normalizer = self._normalizers[namespace]
        if self.sources and normalizer.reads_country and (rule := self.source_rule(source)) is not None:
            return normalizer.normalize(raw, rule.country)
        return normalizer.normalize(raw)

    def source_rule(self, source: str) -> SourceRule | None:
        """Return what holds for the data of a source, its claims included."""
        return self.sources.get(origin_of(source))

    def reads_country(self, namespace: str) -> bool:
        """Whether values of a namespace are phone numbers. The rules must have the namespace."""
        return self._normalizers[namespace].reads_country

    def key(self, namespace: str, raw: str, path: tuple[str | int, ...] = ()) -> str:
        """Return the key of a raw identifier, normalized as in observations.

        Raises `InvalidInput` if the namespace is unknown or the value cannot be an identifier.
        """
        if namespace not in self.by_name:
            raise InvalidInput("UNKNOWN_NAMESPACE", self.unknown(namespace), (*path, "namespace"))
        value = self.normalize_value(namespace, raw)
        if isinstance(value, DroppedIdentifier):
            raise InvalidInput(
                f"IDENTIFIER_{value.code.value}", f"value {value.value!r} {value.reason}", (*path, "value")
            )
        return Identifier(namespace, value).key

    def strong_first(self, a: str, b: str) -> tuple[str, str]:
        """Return two keys as (stronger, weaker); of equal rank the smaller key is the stronger."""
        rank_a, rank_b = self.rank[namespace_of(a)], self.rank[namespace_of(b)]
        return (a, b) if (rank_a, a) < (rank_b, b) else (b, a)

    @cached_property
    def shared_limits(self) -> Mapping[str, Sequence[tuple[frozenset[str], int]]]:
        """By namespace: (namespaces counted together, the most allowed) for each count of `shared_above`."""
        names = [rule.name for rule in self.namespaces]
        return {
            rule.name: tuple(
                (frozenset(names[:rank]) if counted == STRONGER else frozenset({counted}), most)
                for counted, most in rule.shared_above.items()
            )
            for rank, rule in enumerate(self.namespaces)
            if rule.shared_above
        }

    def unknown(self, namespace: str) -> str:
        """Return the message for a namespace that the rules do not have."""
        return f"namespace {namespace[:60]!r} is not in the rules, which have {', '.join(self.by_name)}"

    def is_shared(self, namespace: str, degree: Mapping[str, int]) -> bool:
        """Whether an identifier is shared, given its number of distinct neighbors by namespace (step 3)."""
        limits = self.shared_limits.get(namespace)
        if limits is None:
            return False
        # Nearly all identifiers have fewer neighbors than any limit.
        total = sum(degree.values())
        for names, most in limits:
            if total > most and sum(count for name, count in degree.items() if name in names) > most:
                return True
        return False


class StoredRules(Struct, frozen=True, gc=False):
    """A stored version of the rules.

    `pending` means that not all observations have been reprocessed under it yet: those up to `processed_to` have.
    """

    version: int
    created_at: int
    text: str
    pending: bool = False
    processed_to: tuple[str, str] | None = None
