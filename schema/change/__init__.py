"""The change in GraphQL."""
