"""The order in GraphQL."""
