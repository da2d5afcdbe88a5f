"""Sentences: what Kith says in words, made of a code and parameters, so that values can be masked and texts translated.

A sentence is a text: stores and callers that need no more use it as one. Texts that stores return are read back into
their parts by `sentence_of`, so that entries of earlier versions have parts, too.
"""

import re
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import TypeAlias


class MessageCode(Enum):
    """What a sentence says. The value is its text in English, with the names of its parameters in braces."""

    REVOKED = "{reason}; revoked: {text}"
    SEEN_TOGETHER = "{a} and {b} were seen together ({sources}, {party} party)"
    SEEM_TOGETHER = "{a} and {b} seem to belong together ({sources})"
    KEPT_TOGETHER = "a steward keeps {a} and {b} together"
    KEPT_APART = "a steward keeps {a} and {b} apart"
    CONNECTED_NOW = "their identifiers are connected now"
    FIRST_SEEN = "seen for the first time"
    FIRST_SEEN_WITH_CUSTOMER = "seen with this customer for the first time"
    NOT_NAMED = "no valid observation or override names them anymore"
    BETTER_EVIDENCE = "stronger or newer evidence links them here"
    NOT_LINKED = "no link connects them anymore"
    NO_CONFLICT = "no limit, override or guard is against it anymore"
    LINK_NOT_ACTIVE = "{a} and {b}: {reason}"
    LIMIT = "merging would give one customer {count} values of {namespace}; the rules allow {limit}"
    GUARD = "{attribute} is {value_a} at {a} and {value_b} at {b}"
    BELOW_THRESHOLD = "its confidence {confidence} is below the threshold {threshold}"
    BLOCKED = "a steward blocked {identifier}"
    SHARED = "{identifier} is shared: it was seen with more identifiers than the rules allow"
    DECISIONS = "decisions on {purposes}"
    NAMES_EXPIRED = "what it named has expired"
    PERSON_ERASED = "the person was erased"
    RESTRICTED = "withheld: the processing of this customer is restricted"
    OVERRIDE = "{kind}: {text}"
    OVERRIDE_WITHOUT_REASON = "{kind}"
    FREE_TEXT = "{text}"
    MASKED_TEXT = "recorded by an earlier version, with values that are masked"

    CONTRADICTION = "{attribute} is {values_a} and {values_b}"
    IDENTIFIER_NOT_SEEN = "{identifier} belongs to no customer: no valid observation or override names it"
    ACTOR_KEEPS_APART = "{actor} keeps {a} and {b} apart"
    ACTOR_KEEPS_APART_BECAUSE = "{actor} keeps {a} and {b} apart ({text})"
    SEEN_TOGETHER_BUT = "{a} and {b} were seen together, but {reason}"
    BOTH_SEEN_WITH_SHARED = "both were seen with {identifier}, but it is shared, so its links are excluded"
    BOTH_SEEN_WITH_BLOCKED = "both were seen with {identifier}, but a steward blocked it"
    NO_EVIDENCE = "no evidence links the customer of {a} with the customer of {b}"
    NOT_ONE_CUSTOMER = "{a} and {b} are not one customer: {details}."
    TWO_CUSTOMERS = "{a} and {b} are two customers: {details}."
    ONE_CUSTOMER = "{a} and {b} are one customer: {details}."
    ONE_CUSTOMER_BUT = (
        "{a} and {b} are one customer: {details}. But its values contradict each other: {contradictions}."
    )

    SEEN_WITH_CUSTOMERS = "{identifier} was seen with {count} customers"
    BLOCK_OR_LIMIT = (
        "block it with blockIdentifier, or set shared_above = {shared_above} for {namespace} in the rules{current}"
    )
    SEEN_WITH_CONTRADICTING_CUSTOMERS = (
        "{identifier} was seen with {count} customers whose values contradict each other"
    )
    CORRECT_OR_JOIN_OR_BLOCK = (
        "if a family or an office shares it, all is well; if they are one person, correct the wrong value at its "
        "source or keepTogether them; if it belongs to nobody, block it with blockIdentifier"
    )
    OVERSIZED_CUSTOMER = "customer {customer} holds {count} identifiers, {namespace_count} of them of {namespace}"
    CHECK_WEAKEST_LINKS = "check its weakestLinks and history; a limit for {namespace} would bound such customers"
    MANY_VALUES = "a customer has {average} values of {namespace} on average, {maximum} at most"
    USELESS_NAMESPACE = "{namespace} is useless as an identifier: remove it, or rank it lower with a limit"
    OVER_LIMIT = "a customer holds {count} values of {namespace}; the rules allow {limit}"
    CHECK_LIMIT = "overrides merged them; check whether the limit is too low"
    SUSPENSION_SPIKE = "{count} links were suspended in the last 7 days, {before} in the 7 days before"
    CHECK_SOURCES = "a source may have started to mix identifiers: check the sources of the newest suspended links"
    WEAK_BRIDGE = "only {a} and {b} hold {side_a} and {side_b} in one customer"
    KEEP_APART_OR_UNDO = "if they are two people, keepApart {a} and {b}, or undo the merge"
    CONTRADICTING_VALUES = "in one customer {contradictions}"
    CORRECT_OR_KEEP_APART = (
        "if one value is wrong, correct it at its source; if they are two people, keepApart {a} and {b}"
    )

    CREATED = "{customer} was created with {identifiers}{cause}: {reason}."
    MOVED = "{identifiers} moved to {customer}{cause}: {reason}."
    MOVED_FROM = "{identifiers} moved to {customer} from {other_customer}{cause}: {reason}."
    MERGED = "{other_customer} was merged into {customer}{cause}: {reason}."
    SPLIT = "{identifiers} were split off {customer} and form {other_customer}{cause}: {reason}."
    EMPTIED = "{identifiers} were removed from {customer}{cause}: {reason}."
    LINK_SUSPENDED = "The link between {identifiers} was suspended{cause}: {reason}."
    LINK_RESTORED = "The link between {identifiers} was restored{cause}: {reason}."
    OVERRIDE_SET = "An override was set on {identifiers}{cause}: {reason}."
    OVERRIDE_REMOVED = "An override was removed from {identifiers}{cause}: {reason}."
    CUSTOMER_RESTRICTED = "The processing of {customer} was restricted{cause}: {reason}."
    RESTRICTION_LIFTED = "A restriction of the processing of {customer} was lifted{cause}: {reason}."
    CONSENT_CHANGED = "Consent at {identifiers} of {customer} changed{cause}: {reason}."
    ENTERED_SEGMENT = "{customer} entered segment {segment}."
    LEFT_SEGMENT = "{customer} left segment {segment}."
    SEGMENT_DELETED = "Segment {segment} was deleted by {actor}."
    ERASED = "{customer} was erased."
    EXPIRED = "Data of {customer} has expired and was removed."

    NOT_NAMED_ANYMORE = "no valid observation names it anymore"
    MOVED_LATER = "later changes moved it there"
    APART_TAKES_PRECEDENCE = "override {override} keeps the same two identifiers together; this one takes precedence"
    KEPT_APART_TAKES_PRECEDENCE = "an override that keeps customers apart takes precedence: {reason}"


IDENTIFIERS = frozenset({"a", "b", "identifier", "side_a", "side_b"})
"""Parameters that are keys of identifiers."""
VALUES = frozenset({"value_a", "value_b"})
"""Parameters that are values of the attribute that the parameter `attribute` names."""
FREE_TEXTS = frozenset({"text"})
"""Parameters that people wrote."""

Parameter: TypeAlias = "str | int | Sentence"


class Sentence(str):
    """A text with its parts."""

    __slots__ = ("code", "parameters")
    code: MessageCode
    parameters: Mapping[str, Parameter]

    def __new__(cls, code: MessageCode, **parameters: Parameter) -> "Sentence":
        """Make the sentence of a code. The parameters are those of its text."""
        sentence = super().__new__(cls, code.value.format_map(parameters) if parameters else code.value)
        sentence.code, sentence.parameters = code, parameters
        return sentence

    def __reduce__(self) -> tuple[object, ...]:
        """Copy a sentence with its parts."""
        return _restored, (self.code, dict(self.parameters))


def _restored(code: MessageCode, parameters: Mapping[str, Parameter]) -> Sentence:
    return Sentence(code, **parameters)


# --- texts of stores

_STORED = tuple(MessageCode)[: tuple(MessageCode).index(MessageCode.OVERRIDE)]
"""The codes of texts that stores keep. Decisions of stewards are recognized by the kind of the change."""
_FORMS = {
    "a": "[^=]+=.+?",
    "b": "[^=]+=.+",
    "identifier": "[^=]+=.+",
    "sources": "[^()]*",
    "party": "[a-z]+",
    "count": r"\d+",
    "limit": r"\d+",
    "purposes": r"[a-z0-9_]+(?:, [a-z0-9_]+)*",
    "namespace": r"[\w-]+",
    "attribute": r"[\w.]+",
    "value_a": ".+?",
    "value_b": ".+?",
    "reason": ".+",
    "text": ".+",
    "confidence": r"[\d.e-]+",
    "threshold": r"[\d.e-]+",
}


@cache
def _patterns() -> tuple[tuple[MessageCode, re.Pattern[str]], ...]:
    greedy = [(code, _pattern(code.value, _FORMS)) for code in _STORED]
    # The reason of such a sentence contains colons itself, so the first one ends the identifier, if possible.
    lazy = MessageCode.LINK_NOT_ACTIVE, _pattern(MessageCode.LINK_NOT_ACTIVE.value, _FORMS | {"b": _FORMS["a"]})
    return lazy, *greedy


def _pattern(template: str, forms: Mapping[str, str]) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", template)
    texts = (f"(?P<{part}>{forms[part]})" if at % 2 else re.escape(part) for at, part in enumerate(parts))
    return re.compile("".join(texts), re.DOTALL)


def sentence_of(text: str) -> Sentence | None:
    """Return a text as the sentence that it is; `None` for one that people wrote, or that no template makes.

    A value may contain words of a template, so that two readings are possible. In each, only the fixed words and
    parameters that hold no values are outside identifiers and values.
    """
    if isinstance(text, Sentence):
        return text
    for code, pattern in _patterns():
        if (match := pattern.fullmatch(text)) is None:
            continue
        parameters: dict[str, Parameter] = match.groupdict()
        if "reason" in parameters:
            reason = sentence_of(str(parameters["reason"]))
            if reason is None:
                continue
            parameters["reason"] = reason
        return Sentence(code, **parameters)
    return None
