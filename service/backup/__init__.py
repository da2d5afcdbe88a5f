"""Backups of stores, and copies from one store to another."""
