-- The values of guarded attributes: those stated at an identifier, and the counts of value sets at its customer.
ALTER TABLE identifiers ADD COLUMN guarded_values TEXT NOT NULL DEFAULT '{}';
ALTER TABLE customers ADD COLUMN value_sets TEXT NOT NULL DEFAULT '{}';
-- Why a link was suspended, or what no longer suspends it; empty for other changes.
ALTER TABLE changes ADD COLUMN reason_code TEXT NOT NULL DEFAULT '';
