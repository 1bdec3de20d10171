-- How many strangers a day the promise counts on where the settings say nothing: those of before at a gate that had
-- residents then; NULL, as many as new gates count on.
ALTER TABLE gate ADD COLUMN strangers_a_day REAL CHECK (strangers_a_day IS NULL OR strangers_a_day = 2);
UPDATE gate SET strangers_a_day = 2 WHERE EXISTS (SELECT 1 FROM residents);
