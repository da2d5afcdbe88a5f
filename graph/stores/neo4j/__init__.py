"""The store for more than one process: Neo4j 5.26. See docs/internals/stores.md and docs/decisions."""

from graph.stores.neo4j.store import Neo4jStore

__all__ = ["Neo4jStore"]
