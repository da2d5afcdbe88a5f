"""How a GraphQL document is validated, weighed, compiled and run."""
