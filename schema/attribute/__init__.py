"""Attributes of people in GraphQL."""
