"""Resolves everything again, one connected part after another, and compares links and customers with the result.

Parts are found with an array of one number for each identifier; the rest is read part by part.
"""

from array import array
from collections.abc import Iterator, Sequence

from graph.domain.model.guarded_values import ValueSets
from graph.domain.model.identifiers import Pair
from graph.domain.model.links import Link, LinkState
from graph.domain.model.overrides import Override, OverrideKind
from graph.domain.model.rules import Rules
from graph.domain.resolution.resolution import exclusion_reason, resolve_groups
from graph.verification.evidence import Evidence
from graph.verification.findings import Check, Finding, Report, differing
from graph.verification.scratch import Scratch, decode_link, decode_sets, encode

_EVIDENCE_FIELDS = ("tier", "first_seen_at", "last_seen_at", "observation_count", "sources", "confidence")


class Grouping:
    """The pass over links and connected parts, after that over identifiers."""

    def __init__(
        self, scratch: Scratch, report: Report, rules: Rules, overrides: Sequence[Override], evidence: Evidence
    ) -> None:
        self._scratch, self._db, self._report = scratch, scratch.db, report
        self._rules, self._evidence = rules, evidence
        self._overrides: dict[str, list[Override]] = {}
        for override in overrides:
            for key in override.keys:
                self._overrides.setdefault(key, []).append(override)
        self._parents = array("q")

    def run(self) -> None:
        """Compare all links and customers."""
        self._db.execute("CREATE UNIQUE INDEX alive_key ON alive (key)")
        ((last,),) = self._db.execute("SELECT coalesce(max(n), 0) FROM alive").fetchall()
        self._parents = array("q", range(last + 1))
        self._compare_excluded_links()
        self._find_surplus_links()
        self._join_overridden()
        self._db.execute("CREATE TABLE parts (root INTEGER NOT NULL, n INTEGER NOT NULL)")
        self._db.executemany(
            "INSERT INTO parts VALUES (?, ?)", ((self._root(number), number) for number in range(1, last + 1))
        )
        self._db.execute("CREATE INDEX parts_root ON parts (root, n)")
        self._db.execute("CREATE INDEX candidates_n ON candidates (n)")
        self._db.execute("CREATE TABLE sizes AS SELECT customer, count(*) AS size FROM identifiers GROUP BY customer")
        self._db.execute("CREATE UNIQUE INDEX sizes_customer ON sizes (customer)")
        for keys, customers in self._parts():
            self._resolve(keys, customers)

    # --- connected parts

    def _root(self, number: int) -> int:
        parents = self._parents
        while parents[number] != number:
            parents[number] = parents[parents[number]]
            number = parents[number]
        return number

    def _join(self, a: int, b: int) -> None:
        root_a, root_b = self._root(a), self._root(b)
        self._parents[max(root_a, root_b)] = min(root_a, root_b)

    def _join_overridden(self) -> None:
        for override in {override.id: override for of_key in self._overrides.values() for override in of_key}.values():
            if override.kind is OverrideKind.TOGETHER:
                numbers = [
                    self._db.execute("SELECT n FROM alive WHERE key = ?", (key,)).fetchone() for key in override.keys
                ]
                if all(numbers):
                    self._join(numbers[0][0], numbers[1][0])

    def _parts(self) -> Iterator[tuple[list[tuple[int, str]], dict[str, str]]]:
        """Yield the identifiers of each part with their numbers, and the customers that hold them."""
        root, keys, customers = 0, list[tuple[int, str]](), dict[str, str]()
        for part, number, key, customer in self._db.execute(
            """SELECT p.root, p.n, a.key, coalesce(i.customer, '') FROM parts p JOIN alive a ON a.n = p.n
                LEFT JOIN identifiers i ON i.key = a.key ORDER BY p.root, p.n"""
        ):
            if part != root and keys:
                yield keys, customers
                keys, customers = [], {}
            root = part
            keys.append((number, key))
            customers[key] = customer
        if keys:
            yield keys, customers

    # --- links

    def _compare_excluded_links(self) -> None:
        """Compare the links that are excluded, and collect the others."""
        shared, blocked = self._evidence.shared, self._evidence.blocked
        for a, b, record, stored, number_a, number_b in self._db.execute(
            """SELECT e.a, e.b, e.record, l.record, x.n, y.n FROM expected_links e
                LEFT JOIN links l ON l.a = e.a AND l.b = e.b
                JOIN alive x ON x.key = e.a JOIN alive y ON y.key = e.b"""
        ):
            link = decode_link(record)
            if reason := exclusion_reason(link, self._rules, shared, blocked):
                self._compare_link(link.with_state(LinkState.EXCLUDED, reason), stored)
                continue
            self._join(number_a, number_b)
            self._db.execute("INSERT INTO candidates VALUES (?, ?, ?, ?, ?)", (number_a, a, b, record, stored))

    def _find_surplus_links(self) -> None:
        self._db.execute("CREATE UNIQUE INDEX expected_pair ON expected_links (a, b)")
        for a, b, stored in self._db.execute(
            """SELECT l.a, l.b, l.record FROM links l LEFT JOIN expected_links e ON e.a = l.a AND e.b = l.b
                WHERE e.a IS NULL"""
        ):
            self._report.add(Finding(Check.LINKS, (a, b), "no observation supports it"))
            self._scratch.repair("link", (a, b), stored, None)

    def _compare_link(self, expected: Link, stored: bytes | None) -> None:
        if stored is None:
            self._report.add(Finding(Check.LINKS, expected.pair, "is missing"))
            self._scratch.repair("link", expected.pair, None, encode(expected))
        elif difference := differing((*_EVIDENCE_FIELDS, "state", "reason"), decode_link(stored), expected):
            self._report.add(Finding(Check.LINKS, expected.pair, difference))
            self._scratch.repair("link", expected.pair, stored, encode(expected))

    # --- customers

    def _resolve(self, numbered: list[tuple[int, str]], customers: dict[str, str]) -> None:
        """Resolve one part and compare its links and customers."""
        keys = [key for _, key in numbered]
        if len(keys) == 1:
            self._compare_group(frozenset(keys), customers)
            return
        links: dict[Pair, Link] = {}
        stored: dict[Pair, bytes | None] = {}
        value_sets: dict[str, ValueSets] = {}
        for number, key in numbered:
            for a, b, record, found in self._db.execute(
                "SELECT a, b, record, stored FROM candidates WHERE n = ?", (number,)
            ):
                links[a, b], stored[a, b] = decode_link(record), found
            for (record,) in self._db.execute("SELECT record FROM value_sets WHERE key = ?", (key,)):
                value_sets[key] = decode_sets(record)
        overrides = {override.id: override for key in keys for override in self._overrides.get(key, ())}
        resolution = resolve_groups(
            keys, links.values(), list(overrides.values()), self._rules, frozenset(), frozenset(), value_sets
        )
        for pair, link in links.items():
            self._compare_link(link.with_state(*resolution.verdicts[pair]), stored[pair])
        for group in resolution.groups:
            self._compare_group(group, customers)

    def _compare_group(self, group: frozenset[str], customers: dict[str, str]) -> None:
        holders = {customers[key] for key in group}
        detail = ""
        if "" in holders:
            detail = "some belong to no customer"
        elif len(holders) > 1:
            detail = f"belong to {len(holders)} customers instead of one"
        else:
            (size,) = self._db.execute("SELECT size FROM sizes WHERE customer = ?", tuple(holders)).fetchone()
            if size != len(group):
                detail = "their customer holds others, too"
        if detail:
            self._report.add(Finding(Check.MEMBERSHIP, tuple(sorted(group)[:3]), detail))
            for key in group:
                self._scratch.repair("membership", (key,))
