"""Habits and journeys in GraphQL."""
