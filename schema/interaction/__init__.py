"""Interactions and timelines in GraphQL."""
