"""Segments of third parties in GraphQL."""
