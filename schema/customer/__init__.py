"""The customer in GraphQL."""
