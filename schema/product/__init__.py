"""Products in GraphQL."""
