"""Names of people: their parts, spellings and short forms, and whether two names can be those of one person."""
