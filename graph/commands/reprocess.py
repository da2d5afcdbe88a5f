"""Reprocess observations under new rules, in small batches, while requests are served.

Each batch is one transaction that leaves a consistent graph. Once every observation is reprocessed, the graph is the
result of the new rules: the last batch that touched an identifier counted its links and neighbors from the evidence
valid then, and resolved everything connected with it.
"""

from collections.abc import Generator, Sequence
from itertools import combinations
from typing import Any

from graph.commands.commit import finish_resolution, read_evidence
from graph.commands.consent_changes import record_consent_changes
from graph.domain.model.changes import CauseType
from graph.domain.model.identifiers import Identifier, Pair
from graph.domain.model.overrides import Override
from graph.domain.model.receipts import ObservationKey, Receipt
from graph.domain.model.rules import DroppedIdentifier, NamespaceRule, Rules
from graph.domain.model.store_values import Neighborhood, ReprocessingProgress
from graph.domain.resolution.incremental import IncrementalResolution
from graph.domain.resolution.intake import Delta, Intake
from graph.domain.resolution.preparation import order_keys
from graph.ports import Ids, ReadNeighborhood, Request, Write


def with_old_namespaces(new: Rules, old: Rules) -> Rules:
    """Return the new rules, followed by the namespaces that only the old rules have, which rank last without limits.

    They are in effect during a rollout, in which identifiers of such namespaces exist until the end.
    """
    removed = [NamespaceRule(rule.name) for rule in old.namespaces if rule.name not in new.by_name]
    return Rules(
        (*new.namespaces, *removed),
        new.min_confidence,
        guards=new.guards,
        composites=new.composites,
        returning=new.returning,
    )


def reprocess(
    keys: Sequence[ObservationKey],
    rules: Rules,
    new_rules: Rules,
    now: int,
    ids: Ids,
    progress: ReprocessingProgress | None,
    recount_neighbors: bool = True,
    restate: bool = True,
) -> Generator[Request, Any, None]:
    """Normalize observations again under `new_rules`, and resolve under `rules` (see `with_old_namespaces`).

    Without `recount_neighbors` the stored neighbor counts must have been made under the same `min_confidence`. Then a
    shared identifier, such as a till's device, is not read with all its customers for each of its observations. Without
    `restate` the stored guarded values must have been made under the same guards.
    """
    neighborhood: Neighborhood = yield ReadNeighborhood(receipts=keys)
    receipts = dict(neighborhood.receipts)
    orders = {key for receipt in receipts.values() for key in order_keys(receipt, new_rules)}
    if orders:
        of_orders: Neighborhood = yield ReadNeighborhood(orders=sorted(orders))
        receipts = {**of_orders.receipts, **receipts}
    intake = Intake(receipts, neighborhood.source_revocations)
    for key in keys:
        if key in receipts:
            intake.reprocess(key, new_rules, 0 if progress is None else progress.version)
    delta = intake.delta(reapply=recount_neighbors)
    renormalized, touched = intake.renormalized, _touched(delta)
    yield from _apply(
        delta, intake.transitions, renormalized, touched, rules, now, ids, progress, recount_neighbors, restate
    )


def reprocess_override(
    override: Override, renormalized: Override | None, rules: Rules, now: int, ids: Ids
) -> Generator[Request, Any, None]:
    """Resolve the keys of an override again; replace it by `renormalized` if the new rules change its keys."""
    delta = Delta() if renormalized is None else Delta(overrides_set=[renormalized], overrides_removed=[override])
    touched = set(override.keys) | set(renormalized.keys if renormalized is not None else ())
    yield from _apply(delta, [], [], touched, rules, now, ids, None, recount_neighbors=True, restate=False)


def renormalized(override: Override, new_rules: Rules, id: str) -> Override | None:
    """Return the override with its keys normalized under the new rules.

    Returns `None` if the keys stay the same, become equal, or one of them is no longer a valid identifier.
    """
    keys: list[str] = []
    for key in override.keys:
        namespace, value = Identifier.from_key(key)
        if namespace not in new_rules.by_name:
            return None
        normalized = new_rules.normalize_value(namespace, value)
        if isinstance(normalized, DroppedIdentifier):
            return None
        keys.append(Identifier(namespace, normalized).key)
    keys.sort()
    if tuple(keys) == override.keys or len(set(keys)) < len(override.keys):
        return None
    return Override(id, override.kind, keys[0], "".join(keys[1:]), override.actor, override.reason, override.at)


def _touched(delta: Delta) -> set[str]:
    touched = {key for statement in delta.statements for key in statement.keys}
    return touched | set(delta.orders)


def _apply(
    delta: Delta,
    transitions: Sequence[tuple[Receipt | None, Receipt]],
    renormalized: Sequence[Pair],
    touched: set[str],
    rules: Rules,
    now: int,
    ids: Ids,
    progress: ReprocessingProgress | None,
    recount_neighbors: bool,
    restate: bool,
) -> Generator[Request, Any, None]:
    pairs = {pair for statement in delta.statements for pair in combinations(statement.keys, 2)}
    neighborhood: Neighborhood = yield ReadNeighborhood(keys=sorted(touched), pairs=sorted(pairs))
    evidence, stated = yield from read_evidence(delta, touched if restate else delta.holders)
    resolution = IncrementalResolution(
        delta, neighborhood, evidence, rules, now, ids.customer, frozenset(touched), recount_neighbors, stated
    )
    writes = yield from finish_resolution(resolution)
    yield from record_consent_changes(transitions, delta.causes, resolution, CauseType.RULES_CHANGE)
    writes.receipts.extend(after for _, after in transitions)
    writes.renormalized.extend(renormalized)
    writes.reprocessing = progress
    yield Write(writes)
