"""Searching in GraphQL."""
