"""What is true: resolution, facts, customers and where they are stored. Knows no HTTP and no GraphQL."""
