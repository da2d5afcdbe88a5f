"""How customers compare with all, in GraphQL."""
