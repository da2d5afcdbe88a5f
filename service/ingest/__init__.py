"""Files in: import and backfill."""
