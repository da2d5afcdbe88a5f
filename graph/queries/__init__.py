"""Queries that need more than a single read, one file each."""
