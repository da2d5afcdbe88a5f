"""Comparing everything that is derived with the observations."""
