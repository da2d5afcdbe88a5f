"""Components over data frames equal those that are found by merging sets."""

import random
from itertools import pairwise
from pathlib import Path

from pyspark.sql import SparkSession

from service.ingest.spark.components import components
from service.ingest.spark.frames import Tables

Edge = tuple[int, int]


def chains_stars_and_random_graphs() -> list[Edge]:
    """A long chain in random order, a star, a dense graph, and many small ones; each edge in any direction."""
    dice = random.Random(5)
    chain = list(range(1_000, 1_040))
    dice.shuffle(chain)
    edges = list(pairwise(chain))
    edges += [(2_000, node) for node in range(2_001, 2_060)]
    edges += [tuple(dice.sample(range(3_000, 3_020), 2)) for _ in range(60)]
    edges += [tuple(dice.sample(range(4_000, 4_400), 2)) for _ in range(250)]
    return [edge if dice.random() < 0.5 else (edge[1], edge[0]) for edge in edges]


def merged(edges: list[Edge]) -> dict[int, int]:
    """The smallest node of each node's component."""
    smallest: dict[int, int] = {node: node for edge in edges for node in edge}
    changed = True
    while changed:
        changed = False
        for a, b in edges:
            least = min(smallest[a], smallest[b])
            if smallest[a] != least or smallest[b] != least:
                smallest[a] = smallest[b] = least
                changed = True
    return smallest


def test_components_are_those_of_the_graph(spark: SparkSession, tmp_path: Path) -> None:
    # given
    edges = chains_stars_and_random_graphs()
    tables = Tables(spark, str(tmp_path))
    # when
    found = components(spark.createDataFrame(edges, "a bigint, b bigint"), tables).collect()
    # then
    assert len(found) == len(merged(edges))
    assert dict(map(tuple, found)) == merged(edges)
    # and a chain takes few rounds for its length
    assert sum(step.name.startswith("round-") for step in tables.steps) - 1 <= 8


def test_nothing_has_no_components(spark: SparkSession, tmp_path: Path) -> None:
    empty = spark.createDataFrame([], "a bigint, b bigint")
    assert components(empty, Tables(spark, str(tmp_path))).collect() == []
