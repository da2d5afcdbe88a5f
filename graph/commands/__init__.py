"""Writes, one file each; `commit` is the one behind all others."""
