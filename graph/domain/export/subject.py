"""Whose data is exported: which identifiers are the person's own, and what is shown of those of others.

Others have rights too (Art. 15(4) of the GDPR): an identifier that is not the person's own is masked, wherever it is.
"""

import re
from collections.abc import Callable, Collection
from functools import cached_property
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from graph.domain.access.masking import mask, mask_in_text
from graph.domain.export.records import Record
from graph.domain.model.facts import FactKind, fact_holders_of
from graph.domain.model.identifiers import Identifier
from graph.domain.model.json_text import ordered, parse_stored
from graph.domain.model.observations import Observation
from graph.domain.model.receipts import Receipt
from graph.domain.model.rules import ORDER_NAMESPACE, Rules
from graph.domain.resolution.erased import key_of, named_keys

T = TypeVar("T")
MIN_DIGITS = 6
"""Digits at the end of an own number by which a shorter notation of it is recognized."""
_OTHER_THAN_DIGITS = re.compile(r"\D")


class Subject(Struct, frozen=True, dict=True):
    """A person whose own identifiers are `keys`, under the rules. Identifiers that several people share are not own."""

    keys: frozenset[str]
    rules: Rules

    @cached_property
    def _values(self) -> frozenset[str]:
        return frozenset(Identifier.from_key(key).value.casefold() for key in self.keys)

    @cached_property
    def _numbers(self) -> tuple[str, ...]:
        return tuple(digits for value in self._values if len(digits := _OTHER_THAN_DIGITS.sub("", value)) >= MIN_DIGITS)

    def is_named_by(self, receipt: Receipt) -> bool:
        """Return whether an observation names an own identifier."""
        return not self.keys.isdisjoint(self._named(receipt))

    def _named(self, receipt: Receipt) -> Collection[str]:
        """Return the identifiers that an observation names, also if the rules reject it as a whole."""
        if receipt.keys or not receipt.sent:
            return receipt.keys
        return named_keys(Observation.from_sent(*receipt.key, receipt.sent), self.rules)

    def owns_fact(self, receipt: Receipt) -> bool:
        """Return whether the fact of an observation that names the person is about the person.

        It is about whoever has the identifier that it is attached to, if the observation names several people.
        """
        kind = FactKind(receipt.kind)
        if kind is FactKind.NONE:
            return True
        keys = [key for key in self._named(receipt) if Identifier.from_key(key).namespace in self.rules.rank]
        holders = (receipt.order_key,) if kind is FactKind.ORDER else fact_holders_of(kind, keys, self.rules)
        return not self.keys.isdisjoint(holders)

    def identifiers(self, observation: Observation) -> list[tuple[Record, bool]]:
        """Return the identifiers of an observation as they are shown, and whether each of them may be passed on.

        Those of others are masked. What the rules drop is nobody's, and shown as it was sent. The number of an order
        is not among them.
        """
        pairs = observation.identifiers[1:] if observation.kind == FactKind.ORDER.value else observation.identifiers
        return [self._identifier(namespace, raw, observation.source) for namespace, raw in pairs]

    def _identifier(self, namespace: str, raw: str, source: str) -> tuple[Record, bool]:
        key = key_of(namespace, raw, self.rules, source)
        if key is None or key in self.keys:
            return {"namespace": namespace, "value": raw}, True
        return {"namespace": namespace, "value": mask(*Identifier.from_key(key))}, False

    def content(self, observation: Observation) -> Observation:
        """Return an observation with everything masked in its texts that may be an address or a number of others."""
        facts = observation.facts
        if observation.kind == FactKind.INTERACTION.value:
            values: dict[str, Any] = parse_stored(facts)
            texts = {name: _in_texts(values[name], self._text) for name in ("text", "properties") if name in values}
            shown = values | texts
            facts = facts if shown == values else ordered(shown)
        elif observation.kind == FactKind.ATTRIBUTES.value:
            # Numbers in a person's attributes are the person's, such as that of a contract.
            facts = ordered(self.attribute(parse_stored(facts)))
        return replace(observation, evidence=self._text(observation.evidence), facts=facts)

    def attribute(self, value: T) -> T:
        """Return the value of an attribute, or several by name, with addresses of others masked."""
        shown: T = _in_texts(value, self._without_addresses)
        return shown

    def _text(self, text: str) -> str:
        return mask_in_text(text, self._namespaces, self._is_own) if text else text

    def _without_addresses(self, text: str) -> str:
        return mask_in_text(text, self._namespaces, lambda found: "@" not in found or self._is_own(found))

    @cached_property
    def _namespaces(self) -> frozenset[str]:
        return frozenset(self.rules.names) - {ORDER_NAMESPACE}

    def _is_own(self, found: str) -> bool:
        """Return whether something in a text is an own identifier, in any usual notation."""
        folded = found.casefold()
        if found in self.keys or folded in self._values:
            return True
        digits = "" if "@" in found else _OTHER_THAN_DIGITS.sub("", found).lstrip("0")
        return len(digits) >= MIN_DIGITS and any(number.endswith(digits) for number in self._numbers)


def _in_texts(value: Any, shown: Callable[[str], str]) -> Any:
    """Return a JSON value with all its texts as they are shown."""
    match value:
        case str():
            return shown(value)
        case dict():
            return {name: _in_texts(item, shown) for name, item in value.items()}
        case list():
            return [_in_texts(item, shown) for item in value]
        case _:
            return value
