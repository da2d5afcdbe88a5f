"""Everything that is stored about one person, as it is handed to that person."""
