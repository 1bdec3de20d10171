-- How much liveness is asked for where the settings say nothing: none at a gate that had residents before it was asked
-- for by itself; NULL, as at new gates.
ALTER TABLE gate ADD COLUMN liveness TEXT CHECK (liveness IS NULL OR liveness = 'off');
UPDATE gate SET liveness = 'off' WHERE EXISTS (SELECT 1 FROM residents);
