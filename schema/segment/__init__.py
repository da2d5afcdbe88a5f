"""Segments in GraphQL."""
