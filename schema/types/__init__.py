"""Output types, one file a noun."""
