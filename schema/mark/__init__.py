"""The mark in GraphQL."""
