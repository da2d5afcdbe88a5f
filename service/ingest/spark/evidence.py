"""The evidence of identifiers and links, and which are shared: steps 2 and 3 of the resolution rule.

The folds are aggregations; property tests compare them with `links_of` and `degrees` of the domain.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec.json import encode
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as sql

from graph.domain.model.facts import FactKind
from graph.domain.model.guarded_values import guarded_values_of, to_json
from graph.domain.model.interaction_counts import InteractionCounts, add, interaction_counts_of
from graph.domain.model.observations import TIERS, EvidenceStatement, EvidenceTier
from graph.domain.model.rules import Rules
from service.ingest.spark.frames import Tables, Values, map_groups, mapped, namespace_of

_PAIRS = """
flatten(transform(keys, (x, i) -> transform(slice(keys, i + 2, size(keys)),
    y -> struct(least(x, y) as a, greatest(x, y) as b))))
"""
_PROBABILISTIC = int(EvidenceTier.PROBABILISTIC)


def fold_links(statements: DataFrame, min_confidence: float) -> DataFrame:
    """Return the links that statements support; `position` is that of the last statement that names both ends.

    `counted` is false if only statements below `min_confidence` support a link; its times are then null.
    """
    pairs = statements.select("position", "source", "tier", "seen_at", "confidence", sql.explode(sql.expr(_PAIRS)))
    counts = sql.col("confidence").isNull() | (sql.col("confidence") >= sql.lit(min_confidence))
    tier = sql.when(sql.col("confidence").isNull(), sql.col("tier")).otherwise(_PROBABILISTIC)
    # Of the least tier the least time, and the greatest: structs compare by their first fields.
    first = sql.min(sql.when(counts, sql.struct(tier.alias("tier"), "seen_at")))
    last = sql.max(sql.when(counts, sql.struct((-tier).alias("tier"), "seen_at")))
    folded = pairs.groupBy("col.a", "col.b").agg(
        first.alias("_first"),
        last["seen_at"].alias("last"),
        sql.count_if(counts).alias("count"),
        sql.sort_array(sql.collect_set(sql.when(counts, sql.col("source")))).alias("sources"),
        sql.max("confidence").alias("confidence"),
        sql.max("position").alias("position"),
    )
    return folded.select(
        "a",
        "b",
        sql.coalesce("_first.tier", sql.lit(_PROBABILISTIC)).alias("tier"),
        sql.col("_first.seen_at").alias("first"),
        "last",
        sql.col("count").cast("int"),
        "sources",
        "confidence",
        (sql.col("count") > 0).alias("counted"),
        "position",
    )


def fold_identifiers(statements: DataFrame) -> DataFrame:
    """Return the evidence of identifiers; `position` is that of the last statement that names one."""
    named = statements.select("position", "seen_at", "source", sql.explode("keys").alias("key"))
    return named.groupBy("key").agg(
        sql.min("seen_at").alias("first"),
        sql.max("seen_at").alias("last"),
        sql.count("*").alias("count"),
        sql.sort_array(sql.collect_set("source")).alias("sources"),
        sql.max("position").alias("position"),
    )


def fold_degrees(links: DataFrame) -> DataFrame:
    """Return the number of distinct neighbors of each identifier, in all and by namespace (`degree`)."""
    counted = links.where("counted")
    ends = counted.select(sql.col("a").alias("key"), namespace_of("b").alias("namespace")).union(
        counted.select(sql.col("b").alias("key"), namespace_of("a").alias("namespace"))
    )
    by_namespace = ends.groupBy("key", "namespace").agg(sql.count("*").cast("int").alias("count"))
    entries = sql.collect_list(sql.struct("namespace", "count"))
    degree = sql.map_from_entries(sql.sort_array(entries)).alias("degree")
    return by_namespace.groupBy("key").agg(sql.sum("count").alias("neighbors"), degree)


def shared_keys(degrees: DataFrame, rules: Rules) -> DataFrame:
    """Return the identifiers that have more neighbors than `shared_above` allows."""
    least = {name: min(most for _, most in limits) for name, limits in rules.shared_limits.items()}
    above = sql.lit(False)
    for name, most in least.items():
        above = above | ((namespace_of("key") == name) & (sql.col("neighbors") > most))
    candidates = degrees.where(above).select("key", namespace_of("key").alias("namespace"), "degree")

    def decide(rows: Iterator[Values]) -> Iterable[Values]:
        for key, namespace, degree in rows:
            if rules.is_shared(namespace, dict(degree)):
                yield (key,)

    return mapped(candidates, decide, "key string")


def fold_interactions(statements: DataFrame) -> DataFrame:
    """Return the interaction counts of the identifiers that facts are attached to, as JSON."""
    of_kind = statements.where((sql.col("kind") == FactKind.INTERACTION.value) & (sql.size("fact_holders") > 0))
    facts = of_kind.select(sql.explode("fact_holders").alias("key"), "kind", "facts", "seen_at")

    def count(key: Sequence[Any], rows: Iterator[Values]) -> Iterable[Values]:
        total: InteractionCounts = {}
        for _, kind, text, seen_at in rows:
            total = add((total, interaction_counts_of(kind, text, seen_at)))
        yield key[0], encode(total).decode()

    return map_groups(facts, ["key"], ["seen_at"], count, "key string, interactions string")


def fold_guarded_values(statements: DataFrame, rules: Rules) -> DataFrame:
    """Return what statements say of guarded attributes, as JSON by the identifier that they are attached to."""
    of_kind = statements.where((sql.col("kind") == FactKind.ATTRIBUTES.value) & (sql.size("fact_holders") > 0))
    columns: list[Column | str] = [sql.col("fact_holders")[0].alias("key"), "source", "id", "seen_at", "facts"]

    def fold(key: Sequence[Any], rows: Iterator[Values]) -> Iterable[Values]:
        # Neither the other keys of a statement nor its tier decide what it says of an attribute.
        stated = (
            EvidenceStatement(source, id, (holder,), TIERS[0], seen_at, None, facts, holder)
            for holder, source, id, seen_at, facts in rows
        )
        for values in guarded_values_of(stated, rules).values():
            if values:
                yield key[0], to_json(values)

    return map_groups(
        of_kind.select(*columns), ["key"], ["seen_at", "source", "id"], fold, "key string, guarded string"
    )


def fold_members(statements: DataFrame, links: DataFrame, rules: Rules, tables: Tables) -> DataFrame:
    """Return the identifiers in the order of their keys, each with a `code`, and everything that is kept at it."""
    degrees = tables.write("degrees", fold_degrees(links))
    members = fold_identifiers(statements).join(degrees, "key", "left")
    members = members.join(shared_keys(degrees, rules).withColumn("shared", sql.lit(True)), "key", "left")
    members = members.withColumn("shared", sql.col("shared").isNotNull())
    members = members.join(fold_interactions(statements), "key", "left")
    if rules.guards:
        members = members.join(fold_guarded_values(statements, rules), "key", "left")
    else:
        members = members.withColumn("guarded", sql.lit(None).cast("string"))
    return tables.numbered("identifiers", members, ["key"], "code")
