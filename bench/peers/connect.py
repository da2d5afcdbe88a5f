"""The peers of `bench.bulk`: each finds the connected components of the same edges. Run in .venv-bench:

    python bench/peers/connect.py PEER EDGES.npz     prints seconds and the number of components

Edges are two arrays of integers, `a` and `b`, between `n` nodes. A peer is a generator: it prepares, yields, and yields
the number of components. The time covers its work from arrays to a component for every node; imports, compilation and
the start of a JVM or database are not included.
"""

import json
import sys
import time

import numpy as np


def scipy(a, b, n):
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    yield
    ones = np.ones(len(a), np.int8)
    count, _ = connected_components(coo_matrix((ones, (a, b)), shape=(n, n)).tocsr(), directed=False)
    yield count


def union_find(a, b, n):
    from numba import njit

    @njit
    def connect(a, b, parent):
        count = len(parent)
        for at in range(len(a)):
            x, y = a[at], b[at]
            while parent[x] != x:
                parent[x] = parent[parent[x]]
                x = parent[x]
            while parent[y] != y:
                parent[y] = parent[parent[y]]
                y = parent[y]
            if x != y:
                parent[max(x, y)] = min(x, y)
                count -= 1
        return count

    connect(a[:1], b[:1], np.arange(n, dtype=np.int32))
    yield
    yield connect(a, b, np.arange(n, dtype=np.int32))


def igraph(a, b, n):
    from igraph import Graph

    yield
    yield len(Graph(n, np.column_stack((a, b))).connected_components())


def rustworkx(a, b, n):
    import rustworkx

    yield
    graph = rustworkx.PyGraph(multigraph=True)
    graph.add_nodes_from(range(n))
    graph.add_edges_from_no_data(list(zip(a.tolist(), b.tolist(), strict=True)))
    yield len(rustworkx.connected_components(graph))


def networkx(a, b, n):
    import networkx

    yield
    graph = networkx.Graph()
    graph.add_nodes_from(range(n))
    graph.add_edges_from(zip(a.tolist(), b.tolist(), strict=True))
    yield networkx.number_connected_components(graph)


def duckdb(a, b, n):
    import duckdb
    import pyarrow

    db = duckdb.connect()
    edges = pyarrow.table({"a": a, "b": b})
    db.register("edges", edges)
    yield
    db.execute("CREATE TABLE both_ways AS SELECT a, b FROM edges UNION ALL SELECT b, a FROM edges")
    db.execute(f"CREATE TABLE label AS SELECT range::INTEGER AS node, range::INTEGER AS least FROM range({n})")
    changed = 1
    while changed:
        db.execute(
            """CREATE OR REPLACE TABLE better AS SELECT l.node, min(o.least) AS least FROM label l
            JOIN both_ways e ON e.a = l.node JOIN label o ON o.node = e.b
            GROUP BY l.node, l.least HAVING min(o.least) < l.least"""
        )
        (changed,) = db.execute("SELECT count(*) FROM better").fetchone()
        db.execute("UPDATE label SET least = better.least FROM better WHERE better.node = label.node")
    yield db.execute("SELECT count(DISTINCT least) FROM label").fetchone()[0]


def polars(a, b, n):
    import polars as pl

    yield
    edges = pl.DataFrame({"node": np.concatenate((a, b)), "neighbor": np.concatenate((b, a))})
    label = pl.DataFrame({"node": np.arange(n, dtype=np.int32), "least": np.arange(n, dtype=np.int32)})
    while True:
        neighbors = edges.join(label, left_on="neighbor", right_on="node").group_by("node").agg(pl.col("least").min())
        joined = label.join(neighbors, on="node", how="left", suffix="_neighbor", maintain_order="left")
        least = joined.select(pl.min_horizontal("least", "least_neighbor")).to_series().alias("least")
        updated = label.with_columns(least)
        if updated.equals(label):
            break
        label = updated
    yield label["least"].n_unique()


def splink(a, b, n):
    import pyarrow
    from splink import DuckDBAPI
    from splink.clustering import cluster_pairwise_predictions_at_threshold

    nodes = pyarrow.table({"id": np.arange(n, dtype=np.int32)})
    edges = pyarrow.table({"id_l": a, "id_r": b})
    api = DuckDBAPI()
    yield
    clusters = cluster_pairwise_predictions_at_threshold(nodes, edges, api, "id")
    yield len(np.unique(np.asarray(clusters.as_duckdbpyrelation().fetchnumpy()["cluster_id"])))


def graphx(a, b, n):
    """GraphX on local Spark, which GraphFrames runs as `algorithm="graphx"`; its own jars are not on Maven Central."""
    import os
    import tempfile

    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    from pyspark.sql import SparkSession

    with tempfile.TemporaryDirectory() as folder:
        np.savetxt(f"{folder}/edges", np.column_stack((a, b)), fmt="%d")
        settings = {"spark.ui.enabled": "false", "spark.driver.memory": "8g", "spark.sql.shuffle.partitions": "4"}
        spark = SparkSession.builder.master("local[*]").config(map=settings).getOrCreate()
        jvm = spark.sparkContext._jvm
        tag, long = jvm.scala.reflect.ClassTag.Int(), jvm.org.apache.spark.sql.Encoders.LONG()
        level = jvm.org.apache.spark.storage.StorageLevel.MEMORY_ONLY()
        loader, algorithms = jvm.org.apache.spark.graphx.GraphLoader, jvm.org.apache.spark.graphx.lib
        graph = loader.edgeListFile(spark.sparkContext._jsc.sc(), f"{folder}/edges", False, 4, level, level)
        graph.edges().count()
        yield
        labels = algorithms.ConnectedComponents.run(graph, tag, tag).vertices()
        rows = spark._jsparkSession.createDataset(labels, jvm.org.apache.spark.sql.Encoders.tuple(long, long))
        # Nodes without edges are not in the file of edges.
        unconnected = n - rows.count()
        no_columns = spark.sparkContext._gateway.new_array(jvm.java.lang.String, 0)
        yield unconnected + rows.select("_2", no_columns).distinct().count()


def main() -> None:
    """Measure one peer."""
    edges = np.load(sys.argv[2])
    run = globals()[sys.argv[1]](edges["a"], edges["b"], int(edges["n"]))
    next(run)
    begin = time.perf_counter()
    count = next(run)
    print(json.dumps({"seconds": time.perf_counter() - begin, "components": int(count)}))


if __name__ == "__main__":
    main()
