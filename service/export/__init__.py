"""`kith export`: the tables of a store as files for analysis, whole or as what has changed."""
