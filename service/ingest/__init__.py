"""Data from files: import and backfill."""
