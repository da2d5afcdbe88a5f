"""The identity graph itself: what is true. It knows no HTTP and no GraphQL."""
