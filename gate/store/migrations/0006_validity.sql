-- The first and the last day on which a resident is let in, in the gate's own zone.
ALTER TABLE residents ADD COLUMN valid_from TEXT;

ALTER TABLE residents ADD COLUMN valid_until TEXT;

CREATE INDEX residents_by_name ON residents (name);
