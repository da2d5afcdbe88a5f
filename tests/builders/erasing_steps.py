"""Erasures within random sequences of commands."""

from typing import NamedTuple

from hypothesis import strategies as st
from msgspec.structs import replace

from graph.commands.erase import ErasureRequest
from graph.domain.model.dates import SECOND
from graph.domain.model.rules import Rules
from graph.domain.model.tombstones import TombstoneMode
from graph.domain.resolution.preparation import Command
from tests.builders.erasure_requests import erasure_request
from tests.builders.graphs import TOMBSTONE_RULES, Graph
from tests.builders.strategies import KEYS, commands

RETURNING = frozenset({"till"})


class EraseAt(NamedTuple):
    """The erasure of some identifiers at a time in seconds."""

    keys: tuple[str, ...]
    at: int
    mode: TombstoneMode = TombstoneMode.ERASED


erasures = st.builds(
    EraseAt,
    st.lists(st.sampled_from(KEYS), min_size=1, max_size=4, unique=True).map(tuple),
    st.integers(0, 9),
    st.sampled_from(TombstoneMode),
)
steps = st.lists(st.one_of(*[commands] * 5, erasures), min_size=2, max_size=16)


def returning(rules: Rules) -> Rules:
    """The rules, with a source through which people come back."""
    return replace(rules, returning=RETURNING)


def request_of(step: EraseAt, id: str) -> ErasureRequest:
    """The request for an erasure that is applied whatever is stored, as after a restore."""
    return erasure_request(step.keys, step.at * SECOND, step.mode, id)


def do(graph: Graph, step: Command | EraseAt) -> None:
    """Carry out a step on the graph in memory."""
    graph.tombstone_rules = TOMBSTONE_RULES
    if isinstance(step, EraseAt):
        graph.run_erase(request_of(step, graph.ids.erasure()))
    else:
        graph.do(step)
