"""Compares identifiers with the statements that name them, one key after another, and collects the links they support.

See docs/internals/resolution-rule.md, steps 2 and 3.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from graph.domain.model.customers import Member
from graph.domain.model.guarded_values import guarded_values_of
from graph.domain.model.identifiers import namespace_of
from graph.domain.model.interaction_counts import InteractionCounts, add
from graph.domain.model.links import Link, with_statement
from graph.domain.model.observations import EvidenceStatement, evidence
from graph.domain.model.orders import Order
from graph.domain.model.overrides import Override, OverrideKind
from graph.domain.model.receipts import ObservationStatus
from graph.domain.model.rules import Rules
from graph.domain.model.stored_records import StoredIdentifier
from graph.domain.profile.search import text_of_identifier
from graph.domain.resolution.intake import order_in_effect, reports_by_source
from graph.verification.findings import Check, Finding, Report, differing
from graph.verification.scratch import (
    Merged,
    Scratch,
    decode_counts,
    decode_identifier,
    decode_receipt,
    decode_statement,
    encode,
)

_FIELDS = (
    *("evidence", "degree", "shared", "blocked", "override_count", "order", "interaction_counts", "guarded_values"),
)
_Rows = Sequence[Sequence[Any]]


class Evidence:
    """The pass over identifiers. `shared` and `blocked` are those that are so, complete after `run`."""

    def __init__(self, scratch: Scratch, report: Report, rules: Rules, overrides: Sequence[Override]) -> None:
        self._scratch, self._db, self._report, self._rules = scratch, scratch.db, report, rules
        self.blocked = {override.a for override in overrides if override.kind is OverrideKind.BLOCKED}
        self.shared: set[str] = set()
        self._override_counts: dict[str, int] = {}
        for override in overrides:
            for key in override.keys:
                self._override_counts[key] = self._override_counts.get(key, 0) + 1

    def run(self) -> None:
        """Compare all identifiers."""
        by_key = self._scratch.by_key
        streams = Merged(
            by_key("SELECT key, record FROM identifiers ORDER BY key"),
            by_key("SELECT m.key, s.record FROM mentions m JOIN statements s ON s.n = m.n ORDER BY m.key"),
            by_key("SELECT key, counts FROM interactions ORDER BY key"),
            by_key("SELECT key, record FROM reports ORDER BY key"),
            by_key("SELECT key, words FROM words ORDER BY key"),
            ((key, []) for key in sorted(self._override_counts)),
        )
        number = 0
        for key, (stored, mentions, interactions, reports, words, _) in streams:
            statements = [decode_statement(record) for (record,) in mentions]
            member = self._expected(key, statements, interactions, reports)
            if member.alive:
                number += 1
                self._db.execute("INSERT INTO alive VALUES (?, ?)", (number, key))
            self._compare(key, stored, member)
            if stored:
                self._compare_words(key, words)

    def _expected(
        self, key: str, statements: Sequence[EvidenceStatement], interactions: _Rows, reports: _Rows
    ) -> Member:
        """Return the identifier as it follows from observations and overrides; store the links of which it is the
        first."""
        rules = self._rules
        links = self._links_at(key, statements)
        degree = self._degree(key, links.values())
        shared = rules.is_shared(namespace_of(key), degree)
        if shared:
            self.shared.add(key)
        rows = [(link.a, link.b, encode(link)) for link in links.values() if link.a == key]
        self._db.executemany("INSERT INTO expected_links VALUES (?, ?, ?)", rows)
        own = [statement for statement in statements if statement.holder == key]
        counts: InteractionCounts = add(decode_counts(record) for (record,) in interactions)
        member = Member(
            key,
            evidence({(statement.source, statement.id): statement for statement in statements}),
            degree,
            shared,
            key in self.blocked,
            self._override_counts.get(key, 0),
            None,
            self._order(key, reports),
            counts,
            guarded_values_of(own, rules).get(key, {}),
        )
        if member.value_sets:
            self._db.execute("INSERT INTO value_sets VALUES (?, ?)", (key, encode(dict(member.value_sets))))
        return member

    def _links_at(self, key: str, statements: Iterable[EvidenceStatement]) -> dict[str, Link]:
        """Return all links at a key, by their other end: every statement for one of them names the key."""
        links: dict[str, Link] = {}
        for statement in statements:
            for other in statement.keys:
                if other != key:
                    pair = (key, other) if key < other else (other, key)
                    links[other] = with_statement(links.get(other), pair, statement, self._rules.min_confidence)
        return links

    def _degree(self, key: str, links: Iterable[Link]) -> dict[str, int]:
        degree: dict[str, int] = {}
        for link in links:
            other = link.b if link.a == key else link.a
            if (
                key not in self.blocked
                and other not in self.blocked
                and link.meets_threshold(self._rules.min_confidence)
            ):
                namespace = namespace_of(other)
                degree[namespace] = degree.get(namespace, 0) + 1
        return degree

    def _order(self, key: str, reports: _Rows) -> Order | None:
        """Return the order with a key; compare which of its reports are in effect."""
        receipts = [decode_receipt(record) for (record,) in reports]
        by_source = reports_by_source(receipts)
        for of_source, in_effect in by_source.values():
            for receipt in of_source:
                valid = receipt.status is ObservationStatus.VALID
                if valid != (receipt in in_effect):
                    self._report.add(Finding(Check.OBSERVATIONS, receipt.key, "superseded"))
                    self._scratch.repair("observation", receipt.key)
        return order_in_effect(by_source)

    def _compare(self, key: str, stored: _Rows, expected: Member) -> None:
        record = StoredIdentifier.of(expected, "")
        if not stored:
            if expected.alive:
                self._report.add(Finding(Check.IDENTIFIERS, (key,), "is missing"))
                self._scratch.repair("identifier", (key,), None, encode(record))
            return
        ((found,),) = stored
        difference = differing(_FIELDS, decode_identifier(found), record)
        if difference:
            self._report.add(Finding(Check.IDENTIFIERS, (key,), difference))
            self._scratch.repair("identifier", (key,), found, encode(record))

    def _compare_words(self, key: str, words: _Rows) -> None:
        text = text_of_identifier(key)
        if [row[0] for row in words] != ([text] if text else []):
            self._report.add(Finding(Check.SEARCH, (key,), "words"))
            self._scratch.repair("words", (key,))
