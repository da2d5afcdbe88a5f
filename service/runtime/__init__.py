"""The interpreter's tuning, ids, and model fitting in a process of its own."""
