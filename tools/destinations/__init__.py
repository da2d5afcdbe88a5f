"""What checks destinations from outside: the vendors' own libraries."""
