"""The link in GraphQL."""
