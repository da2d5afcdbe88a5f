"""The components of a graph on a cluster: one function, whatever computes them.

The loop is that of large-star and small-star (R. Kiveris, S. Lattanzi, V. Mirrokni, V. Rastogi, S. Vassilvitskii:
Connected Components in MapReduce and Beyond, SoCC 2014): both steps keep the components, and end when every node is
linked with the smallest of its component only.
"""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as sql

from service.ingest.spark.frames import Tables


def components(edges: DataFrame, tables: Tables) -> DataFrame:
    """Return for each end of the edges (`a`, `b`: integers) its `component`, the smallest node connected with it.

    The columns of the result are `node` and `component`. GraphFrames is used if its package is on the cluster.
    """
    if has_graphframes(tables):
        return by_graphframes(edges, tables)
    return by_stars(edges, tables)


def has_graphframes(tables: Tables) -> bool:
    """Whether GraphFrames can be used: its Python package and its jar."""
    try:
        import graphframes  # noqa: F401
    except ImportError:
        return False
    jvm = tables.spark.sparkContext._jvm
    return jvm is not None and type(jvm.org.graphframes.GraphFrame).__name__ == "JavaClass"


def by_graphframes(edges: DataFrame, tables: Tables) -> DataFrame:
    """As `components`, by GraphFrames; its names of components are replaced by their smallest nodes."""
    from graphframes import GraphFrame

    tables.spark.sparkContext.setCheckpointDir(f"{tables.folder}/checkpoints")
    ends = edges.select(sql.col("a").alias("id")).union(edges.select(sql.col("b").alias("id"))).distinct()
    found = GraphFrame(ends, edges.select(sql.col("a").alias("src"), sql.col("b").alias("dst"))).connectedComponents()
    smallest = sql.min("id").over(Window.partitionBy("component"))
    return tables.write("components", found.select(sql.col("id").alias("node"), smallest.alias("component")))


def by_stars(edges: DataFrame, tables: Tables) -> DataFrame:
    """As `components`, by large-star and small-star in data frames.

    Each round is written as a table, so that the plan does not grow and no lost executor costs more than a round.
    """
    current = tables.write("round-0", edges.where("a != b").select("a", "b"))
    before, rounds = _fingerprint(current), 0
    while True:
        rounds += 1
        current = tables.write(f"round-{rounds % 2 + 1}", small_star(large_star(current)))
        after = _fingerprint(current)
        if after == before:
            break
        before = after
    smallest = current.groupBy(sql.col("a").alias("node")).agg(sql.min("b").alias("component"))
    roots = current.select(sql.col("b").alias("node"), sql.col("b").alias("component"))
    return tables.write("components", smallest.union(roots).distinct())


def large_star(edges: DataFrame) -> DataFrame:
    """Link every larger neighbor of a node with the smallest of the node and its neighbors."""
    both = edges.union(edges.select("b", "a"))
    smallest = sql.least("a", sql.min("b").over(Window.partitionBy("a")))
    return both.withColumn("m", smallest).where("b > a").select(sql.col("b").alias("a"), sql.col("m").alias("b"))


def small_star(edges: DataFrame) -> DataFrame:
    """Link a node and its smaller neighbors with the smallest of them; the result has `a > b` and no edge twice."""
    downwards = edges.select(sql.greatest("a", "b").alias("a"), sql.least("a", "b").alias("b")).distinct()
    smallest = downwards.withColumn("m", sql.min("b").over(Window.partitionBy("a")))
    own = smallest.select("a", sql.col("m").alias("b"))
    others = smallest.select(sql.col("b").alias("a"), sql.col("m").alias("b")).where("a != b")
    return own.union(others).distinct()


def _fingerprint(edges: DataFrame) -> tuple[int, str]:
    total = sql.sum(sql.xxhash64("a", "b").cast("decimal(38,0)"))
    row = edges.agg(sql.count("*"), total.cast("string")).collect()[0]
    return row[0], row[1] or ""
