"""How customers are read for a viewer; tests/access/test_reach.py has what it sees."""

import asyncio
from collections.abc import Sequence

from graph.commands.references import References
from graph.domain.access.accessed import Accessed
from graph.domain.access.viewer import Reach, Viewer
from graph.domain.profile.pages import ByKey, CustomerRef, Selection
from graph.viewer_reads import MAX_READS, ViewerReads
from tests.builders.access import Values
from tests.builders.graphs import small_rules
from tests.builders.runs import Run


class BusyGraph:
    """A graph without customers that counts the reads at the same time."""

    rules = small_rules()

    def __init__(self) -> None:
        self.references = References(Values())
        self.asked: list[CustomerRef] = []
        self.reading = self.most = 0

    async def customers(self, refs: Sequence[CustomerRef], _: Selection) -> list[None]:
        self.asked += refs
        self.reading += 1
        self.most = max(self.most, self.reading)
        await asyncio.sleep(0)
        self.reading -= 1
        return [None for _ in refs]


def test_one_operation_reads_a_few_customers_at_a_time(run: Run) -> None:
    # given a partner, of whose customers each is read by itself
    graph = BusyGraph()
    partner = Viewer("partner-1", "partner", frozenset(), Reach.OWN, sources=frozenset({"partner"}))
    refs = [ByKey(f"mail=c{number}@example.com") for number in range(3 * MAX_READS + 1)]
    # when
    views = run(ViewerReads(graph, partner, Accessed()).customers(refs, Selection()))  # type: ignore[arg-type]
    # then
    assert views == [None] * len(refs)
    assert graph.asked == refs
    assert graph.most == MAX_READS
