"""Destinations: the systems that audiences and changes are sent to."""
