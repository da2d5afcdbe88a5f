"""Audiences: which addresses destinations should hold, and what is to be done so that they do."""
