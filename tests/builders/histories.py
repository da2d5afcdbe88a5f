"""Random histories, and loads of them into a store."""

from collections.abc import Sequence
from pathlib import Path

from hypothesis import strategies as st

from graph.bulk.collect import Collector
from graph.bulk.column_portions import ColumnResult
from graph.bulk.spool import Row, Spool
from graph.commands.bulk_suppression import read_suppression
from graph.domain.model.observations import EvidenceTier, Observation
from graph.domain.model.rules import Rules
from graph.domain.profile.interactions import Interaction
from graph.domain.resolution.preparation import Observe, prepare, receipt_of
from graph.ports import ColumnLoadStore, Store
from tests.builders.graphs import NOW, TOMBSTONE_RULES
from tests.builders.strategies import KEYS, RULES, observations, orders, orders_of, statements

interactions = st.builds(
    lambda keys, id, at, type: prepare(
        Interaction("web", type, at * 10**6, f"i{id}", text="hello there").observation(
            tuple((key.split("=")[0], key.split("=")[1]) for key in keys)
        ),
        RULES,
        NOW,
    ),
    st.lists(st.sampled_from(KEYS), min_size=1, max_size=2, unique=True),
    st.integers(0, 9),
    st.integers(10**9, 10**9 + 3),
    st.sampled_from(["page_viewed", "email_opened"]),
)
rejected = st.builds(
    lambda id: prepare(Observation("web", (("crm", "a"), ("crm", "b")), id, EvidenceTier.FIRST_PARTY, 5), RULES, NOW),
    st.sampled_from(["r1", "r2"]),
)
histories = st.lists(
    st.one_of(observations, observations, statements, statements, orders, interactions, rejected), max_size=40
) | st.lists(orders_of("a"), max_size=10)


async def load(
    store: Store,
    commands: Sequence[Observe],
    folder: Path,
    stop_after: int | None = None,
    rules: Rules = RULES,
    as_columns: bool = True,
) -> int:
    """Load the result of commands, as columns if the store takes them; return the number of portions.

    Stops after `stop_after` as if interrupted.
    """
    spool = Spool(folder)
    collector = Collector(spool)
    suppression = await read_suppression(store, TOMBSTONE_RULES)
    for command in commands:
        remaining, _ = suppression.applied(command, rules)
        if isinstance(remaining, Observe):
            collector.add(Row.of(receipt_of(remaining)))
    result = ColumnResult(collector.finish(), rules, NOW, lambda anchor: f"cus_{anchor}")
    await store.begin_load("begun")
    loaded = 0
    if as_columns and isinstance(store, ColumnLoadStore):
        for columns in result.column_portions():
            if loaded == stop_after:
                return loaded
            await store.load_columns(columns, "begun")
            loaded += 1
    else:
        for portion in result.portions():
            if loaded == stop_after:
                return loaded
            await store.load(portion.writes, portion.numbers)
            loaded += 1
    await store.end_load()
    return loaded
