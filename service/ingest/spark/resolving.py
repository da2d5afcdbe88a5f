"""Groups of identifiers and the states of links: steps 4 to 7 of the resolution rule.

Components that break no limit and do not contradict themselves are groups as they are: see "Whole histories" in
docs/internals/incremental-resolution.md. The others are resolved by `graph.bulk.resolution`, whole components at a
time.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as sql

from graph.domain.model.guarded_values import counted, from_json, is_consistent, value_sets_of
from graph.domain.model.rules import Rules
from service.ingest.spark.batches import IDENTIFIER, LINK, resolve_rows
from service.ingest.spark.components import components
from service.ingest.spark.frames import Tables, Values, map_groups, mapped, namespace_of

_ABOUT = "component", "kind", "a", "b", "key", "tier", "first", "last", "confidence", "guarded"
_DECIDED = "kind int, a bigint, b bigint, reason_code string, reason string"


@dataclass(slots=True)
class LargeComponent:
    """A component above the stated size: its identifiers, and the one of them that has the most neighbors."""

    identifiers: int
    key: str
    neighbors: int


@dataclass(slots=True)
class Resolved:
    """`groups` are the codes of identifiers with the smallest of their group, `suspended` the links by their codes."""

    groups: DataFrame
    suspended: DataFrame
    large: Sequence[LargeComponent]


def with_codes(links: DataFrame, members: DataFrame, tables: Tables) -> DataFrame:
    """Return the links with the codes of both ends, and whether these are shared."""
    ends = members.select("key", "code", "shared")
    coded = links
    for end in ("a", "b"):
        coded = coded.join(ends.toDF(end, f"code_{end}", f"shared_{end}"), end)
    return tables.write("coded_links", coded)


def resolve_components(members: DataFrame, links: DataFrame, rules: Rules, tables: Tables, large: int) -> Resolved:
    """Return the result; components of more than `large` identifiers are named."""
    active = links.where("counted and not shared_a and not shared_b")
    found = components(active.select("code_a", "code_b").toDF("a", "b"), tables)
    placed = members.join(found.withColumnRenamed("node", "code"), "code", "left")
    placed = placed.withColumn("component", sql.coalesce("component", "code"))
    placed = placed.select("component", "code", "key", "neighbors", "guarded")
    undecided = tables.write("undecided", _undecided(placed, rules))
    about = _about(placed, undecided, active, found)
    ordered = about.repartition("component").sortWithinPartitions("component", "kind", "a", "b")
    decided = tables.write("decided", mapped(ordered, lambda rows: resolve_rows(rows, rules), _DECIDED))
    regrouped = decided.where(sql.col("kind") == IDENTIFIER).select("a", "b").toDF("code", "group")
    groups = placed.select("code", "component").join(regrouped, "code", "left")
    groups = groups.select("code", sql.coalesce("group", "component").alias("group"))
    suspended = decided.where(sql.col("kind") == LINK).select("a", "b", "reason_code", "reason")
    suspended = suspended.toDF("code_a", "code_b", "reason_code", "reason")
    return Resolved(groups, suspended, _large(placed, large))


def _undecided(placed: DataFrame, rules: Rules) -> DataFrame:
    """Return the components that break a limit as a whole, or hold guarded values that contradict each other."""
    overfull = sql.lit(False)
    for name, limit in rules.limits.items():
        overfull = overfull | ((sql.col("namespace") == name) & (sql.col("count") > limit))
    counts = placed.groupBy("component", namespace_of("key").alias("namespace")).count()
    broken = counts.where(overfull).select("component")

    def contradicts(key: Sequence[Any], rows: Iterator[Values]) -> Iterable[Values]:
        if not is_consistent(counted(value_sets_of(from_json(text)) for _, text in rows), rules):
            yield (key[0],)

    guarded = placed.where("guarded is not null").select("component", "guarded")
    return broken.union(map_groups(guarded, ["component"], [], contradicts, "component bigint")).distinct()


def _about(placed: DataFrame, undecided: DataFrame, active: DataFrame, found: DataFrame) -> DataFrame:
    """Return the identifiers and the links of components that must be decided link by link."""
    nothing = sql.lit(None)
    identifiers = placed.join(undecided, "component", "left_semi").select(
        "component",
        sql.lit(IDENTIFIER).alias("kind"),
        sql.col("code").alias("a"),
        sql.lit(0).cast("bigint").alias("b"),
        "key",
        nothing.cast("int").alias("tier"),
        nothing.cast("bigint").alias("first"),
        nothing.cast("bigint").alias("last"),
        nothing.cast("double").alias("confidence"),
        "guarded",
    )
    components_of_links = found.join(undecided, "component", "left_semi").withColumnRenamed("node", "code_a")
    links = active.join(components_of_links, "code_a").select(
        "component",
        sql.lit(LINK).alias("kind"),
        sql.col("code_a").alias("a"),
        sql.col("code_b").alias("b"),
        nothing.cast("string").alias("key"),
        "tier",
        "first",
        "last",
        "confidence",
        nothing.cast("string").alias("guarded"),
    )
    return identifiers.union(links).select(*_ABOUT)


def _large(placed: DataFrame, large: int) -> list[LargeComponent]:
    neighbors = sql.coalesce("neighbors", sql.lit(0))
    sizes = placed.groupBy("component").agg(
        sql.count("*").alias("identifiers"), sql.max_by("key", sql.struct(neighbors, "key")), sql.max(neighbors)
    )
    rows = sizes.where(sql.col("identifiers") > large).orderBy(sql.desc("identifiers"), "component").collect()
    return [LargeComponent(size, key, count) for _, size, key, count in rows]
