"""Segment rules: conditions over profiles, and how a rule is parsed."""
