"""`kith backfill --engine spark`: a whole history is read and resolved on a cluster, for the extra `spark`."""
