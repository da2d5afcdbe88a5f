"""What can be asked and done, in GraphQL."""
