"""Mappings that come with Kith."""
