"""The observation in GraphQL."""
