"""The identifier in GraphQL."""
