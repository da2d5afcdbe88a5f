"""Anything with an id, in GraphQL."""
