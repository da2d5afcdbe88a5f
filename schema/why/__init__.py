"""The why in GraphQL."""
