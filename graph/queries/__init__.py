"""Questions that are more than one read, one file each."""
