"""The health of the graph in GraphQL."""
