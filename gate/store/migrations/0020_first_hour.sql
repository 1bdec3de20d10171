-- What the guided first hour was told: with which liveness somebody was content, and when it was over or put aside.
ALTER TABLE gate ADD COLUMN first_hour_liveness TEXT;

ALTER TABLE gate ADD COLUMN first_hour_over_at TEXT;

-- A gate that people go through has had it.
UPDATE gate SET first_hour_over_at = '' WHERE EXISTS (SELECT 1 FROM residents);
