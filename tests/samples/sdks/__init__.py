"""Recorded requests of event SDKs."""
