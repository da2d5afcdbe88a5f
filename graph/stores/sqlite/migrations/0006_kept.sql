-- What was counted of all customers together, and whatever else is kept by a name.
CREATE TABLE kept (name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
