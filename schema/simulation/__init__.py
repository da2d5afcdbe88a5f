"""The simulation in GraphQL."""
