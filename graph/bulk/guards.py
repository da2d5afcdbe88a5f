"""Guards over arrays: step 7 of docs/internals/resolution-rule.md for a whole history.

Few groups hold values that contradict each other. Those are resolved by the rule itself, link by link, so that there is
one implementation of what a guard decides.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from graph.bulk.columns import Bools, Codes, Ints
from graph.bulk.evidence import Links
from graph.bulk.spool import Row
from graph.domain.model.facts import FactKind
from graph.domain.model.guarded_values import (
    GuardedValues,
    ValueSets,
    counted,
    guarded_values_of,
    is_consistent,
    value_sets_of,
)
from graph.domain.model.identifiers import Pair
from graph.domain.model.links import Link, LinkReason, LinkState
from graph.domain.model.observations import TIERS, EvidenceStatement
from graph.domain.model.overrides import Override, OverrideKind
from graph.domain.model.rules import Rules
from graph.domain.resolution.resolution import resolve_groups

BATCH_SIZE = 50_000
"""Links that are resolved together, at least."""


@dataclass(slots=True)
class GuardedIdentifiers:
    """What was stated of guarded attributes, by the code of the identifier; `keys_of` returns the keys of codes."""

    values: Mapping[int, GuardedValues]
    keys_of: Callable[[Ints], Mapping[int, str]]
    value_sets: Mapping[int, ValueSets] = field(init=False)

    def __post_init__(self) -> None:
        sets = {code: value_sets_of(values) for code, values in self.values.items()}
        self.value_sets = {code: by_attribute for code, by_attribute in sets.items() if by_attribute}


def guarded_values_of_rows(rows: Iterable[tuple[Row, bool]], rules: Rules) -> dict[str, GuardedValues]:
    """Return what valid rows state of guarded attributes, by identifier; each row comes with whether it is valid."""
    statements = (
        EvidenceStatement(
            row.source, row.id, row.keys, TIERS[row.tier], row.seen_at, row.confidence, row.facts, row.fact_holders[0]
        )
        for row, is_valid in rows
        if is_valid and row.kind == FactKind.ATTRIBUTES.value and row.fact_holders
    )
    return guarded_values_of(statements, rules)


def contradictory_groups(guarded: GuardedIdentifiers, group: Codes, rules: Rules) -> set[int]:
    """Return the groups that hold values that contradict each other."""
    by_group: dict[int, list[ValueSets]] = {}
    for code, sets in guarded.value_sets.items():
        by_group.setdefault(int(group[code]), []).append(sets)
    return {root for root, sets in by_group.items() if not is_consistent(counted(sets), rules)}


@dataclass(slots=True)
class GuardedResult:
    """The groups that result, as codes, and the reasons of suspended links by the index of the link."""

    groups: list[list[int]] = field(default_factory=list)
    reasons: dict[int, LinkReason] = field(default_factory=dict)


def resolve_guarded(
    guarded: GuardedIdentifiers,
    links: Links,
    active: Bools,
    group: Codes,
    roots: set[int],
    rules: Rules,
    together: Sequence[tuple[int, int]],
    apart: Sequence[tuple[int, int]],
) -> GuardedResult:
    """Resolve the groups of `roots`, which links that are not excluded and overrides connect."""
    result = GuardedResult()
    chosen = np.zeros(len(group), np.bool_)
    chosen[list(roots)] = True
    members = _by_group(np.flatnonzero(chosen[group]), group)
    decided = _by_group(np.flatnonzero(active & chosen[group[links.a]]), group[links.a])
    ordered_roots = np.array(sorted(roots))
    member_ends = np.searchsorted(group[members], ordered_roots, side="right").tolist()
    link_ends = np.searchsorted(group[links.a[decided]], ordered_roots, side="right").tolist()
    first_member = first_link = 0
    for member_end, link_end in zip(member_ends, link_ends, strict=True):
        if link_end - first_link >= BATCH_SIZE or member_end == len(members):
            batch = decided[first_link:link_end], members[first_member:member_end]
            _resolve_batch(guarded, links, *batch, rules, together, apart, result)
            first_member, first_link = member_end, link_end
    return result


def _by_group(indexes: Ints, group: Codes) -> Ints:
    return indexes[np.argsort(group[indexes], kind="stable")]


def _resolve_batch(
    guarded: GuardedIdentifiers,
    links: Links,
    chosen: Ints,
    members: Ints,
    rules: Rules,
    together: Sequence[tuple[int, int]],
    apart: Sequence[tuple[int, int]],
    result: GuardedResult,
) -> None:
    key_of = guarded.keys_of(members)
    code_of = {key: code for code, key in key_of.items()}
    overrides = [
        Override(f"{kind.value} {number}", kind, key_of[a], key_of[b])
        for kind, pairs in ((OverrideKind.TOGETHER, together), (OverrideKind.APART, apart))
        for number, (a, b) in enumerate(pairs)
        if a in key_of and b in key_of
    ]
    at_of: dict[Pair, int] = {}
    decided: list[Link] = []
    columns = links.a, links.b, links.tier, links.first, links.last, links.confidence
    for at, a, b, tier, first, last, confidence in zip(
        chosen.tolist(), *(column[chosen].tolist() for column in columns), strict=True
    ):
        link = Link(
            key_of[a], key_of[b], TIERS[tier], first, last, confidence=None if np.isnan(confidence) else confidence
        )
        at_of[link.pair] = at
        decided.append(link)
    value_sets = {key: sets for key, code in code_of.items() if (sets := guarded.value_sets.get(code))}
    resolution = resolve_groups(
        key_of.values(),
        decided,
        overrides,
        rules,
        frozenset(),
        frozenset(),
        value_sets,
    )
    result.groups += [[code_of[key] for key in keys] for keys in resolution.groups]
    for pair, (state, reason) in resolution.verdicts.items():
        if state is LinkState.SUSPENDED and reason is not None:
            result.reasons[at_of[pair]] = reason
