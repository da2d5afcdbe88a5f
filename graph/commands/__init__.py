"""Writes, one file each; `commit` is the write behind most of the others."""
