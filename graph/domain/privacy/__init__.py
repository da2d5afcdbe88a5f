"""Privacy: erasure, and how long data is kept."""
