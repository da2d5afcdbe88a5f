-- The version of the rules that an observation was read anew under, so that they need not be read in one order.
ALTER TABLE observations ADD COLUMN read_under INTEGER NOT NULL DEFAULT 0;
