"""What can be asked, in GraphQL: a folder per noun, thin over the facade of `graph`."""
