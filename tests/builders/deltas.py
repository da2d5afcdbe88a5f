"""Overlays of commands on a graph in dictionaries, before they are resolved."""

from collections.abc import Sequence
from typing import NamedTuple

from graph.domain.model.store_values import EvidenceByKey, Neighborhood, Region
from graph.domain.resolution.intake import Intake
from graph.domain.resolution.overlay import Overlay
from graph.domain.resolution.preparation import Command, Observe, RemoveOverride, Revoke, SetOverride
from graph.ports import ReadEvidence, ReadNeighborhood, ReadRegion, Work
from tests.builders.graphs import Graph


class OverlayResult(NamedTuple):
    """The overlay of a delta on a graph, and the neighborhood that was read for it."""

    overlay: Overlay
    neighborhood: Neighborhood


def overlay_of(graph: Graph, *commands: Command) -> OverlayResult:
    """The overlay of commands on a graph, which is not changed."""
    intake = Intake(graph.store.receipts)
    overrides_set, overrides_removed = [], []
    for command in commands:
        match command:
            case Observe():
                intake.observe(command)
            case Revoke():
                intake.revoke(command)
            case SetOverride(override):
                overrides_set.append(override)
            case RemoveOverride(id):
                overrides_removed.append(graph.store.overrides[id])
    delta = intake.delta(overrides_set, overrides_removed)
    statement_keys = {key for statement in delta.statements for key in statement.keys}
    keys = sorted(statement_keys.union(*(override.keys for override in (*overrides_set, *overrides_removed))))
    neighborhood, stored = graph.store.run(lambda: _read(keys))
    return OverlayResult(Overlay(delta, neighborhood, stored, graph.rules), neighborhood)


def _read(keys: Sequence[str]) -> Work[tuple[Neighborhood, EvidenceByKey]]:
    pairs = [(a, b) for a in keys for b in keys if a < b]
    neighborhood: Neighborhood = yield ReadNeighborhood(keys=keys, pairs=pairs, override_keys=keys)
    stored: EvidenceByKey = yield ReadEvidence(keys)
    return neighborhood, stored


def region(graph: Graph, *seeds: str) -> Region:
    """Everything that is connected with some identifiers."""

    def read() -> Work[Region]:
        result: Region = yield ReadRegion(frozenset(seeds), frozenset(seeds))
        return result

    return graph.store.run(read)
