"""The graph: resolution, facts, customers and the stores that hold them. Independent of HTTP and GraphQL."""
