"""A closed gate refuses all that callers write."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from graph.domain.model.errors import RulesConflict, StoreUnavailable
from graph.domain.model.observations import Observation
from graph.domain.model.overrides import OverrideKind
from graph.domain.model.products import Product
from graph.domain.model.source_revocations import SourceWindow
from graph.identity_graph import IdentityGraph
from service.bootstrap import wire
from service.config.settings import Settings
from tests.builders.runs import Run

Write = Callable[[IdentityGraph], Coroutine[Any, Any, object]]
SEEN = Observation("web", (("email", "ann@example.com"),), "1")
WRITES: dict[str, Write] = {
    "link": lambda graph: graph.link([SEEN]),
    "revoke": lambda graph: graph.revoke([("web", "1")]),
    "products": lambda graph: graph.record_products([Product("S-1", "Shoe", "shop", 0)]),
    "override": lambda graph: graph.override_pair(OverrideKind.APART, "email=a@example.com", "email=b@example.com"),
    "block": lambda graph: graph.block("email=a@example.com"),
    "remove override": lambda graph: graph.remove_override("missing"),
    "create segment": lambda graph: graph.segments.create("loyal", {"known": True}, ""),
    "update segment": lambda graph: graph.segments.update("missing", "loyal", None, None),
    "delete segment": lambda graph: graph.segments.delete("missing", ""),
    "restore source": lambda graph: graph.source_revocations.restore("missing"),
}


@pytest.fixture
def graph(tmp_path: Path, run: Run) -> IdentityGraph:
    wiring = wire(Settings(store=f"sqlite:///{tmp_path / 'kith.db'}", _env_file=None))
    run(wiring.prepare())
    yield wiring.graph
    run(wiring.graph.close())


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_closed_gate_refuses_every_write_with_its_reason(graph: IdentityGraph, write: Write, run: Run) -> None:
    # given
    graph.write_gate.close(RulesConflict("two sets of rules"))
    # when / then: the same error each time
    for _ in range(2):
        with pytest.raises(RulesConflict, match="two sets of rules"):
            run(write(graph))


def test_a_closed_gate_refuses_the_revocation_of_a_source(graph: IdentityGraph, run: Run) -> None:
    # given: a draft, which writes nothing
    run(graph.link([SEEN]))
    draft = run(graph.source_revocations.draft(SourceWindow("web")))
    graph.write_gate.close(StoreUnavailable("the service is starting"))
    # when / then
    with pytest.raises(StoreUnavailable, match="starting"):
        run(graph.source_revocations.revoke(draft))
    graph.write_gate.open()
    assert run(graph.source_revocations.revoke(draft)).created


def test_an_open_gate_accepts_writes(graph: IdentityGraph, run: Run) -> None:
    # given
    graph.write_gate.close(StoreUnavailable("the service is starting"))
    graph.write_gate.open()
    # when
    (accepted,) = run(graph.link([SEEN]))
    # then
    assert accepted.key == "email=ann@example.com"
