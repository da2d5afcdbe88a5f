"""Scheduling and timeouts on the event loop."""
