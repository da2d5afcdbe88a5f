"""The two stores behind `graph.ports`: SQLite and Neo4j, the same parts under the same file names."""
