"""Scheduling and time limits on the event loop."""
