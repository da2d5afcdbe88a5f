"""Who sends a request: keys and tokens."""
