"""The rules in GraphQL."""
