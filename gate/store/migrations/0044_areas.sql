-- Areas: named sets of the gates of a compound, as a JSON object of their ids and names. Who has one, or whose group has
-- one, is let in at its gates alone.
CREATE TABLE areas (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 60),
    gates TEXT NOT NULL CHECK (json_valid(gates) AND json_type(gates) = 'object')
) STRICT;
ALTER TABLE residents ADD COLUMN area_id TEXT REFERENCES areas (id);
ALTER TABLE groups ADD COLUMN area_id TEXT REFERENCES areas (id);

CREATE TRIGGER register_area_added AFTER INSERT ON areas
BEGIN INSERT INTO register_touched VALUES ('area', NEW.id); END;
CREATE TRIGGER register_area_changed AFTER UPDATE ON areas
BEGIN INSERT INTO register_touched VALUES ('area', NEW.id); END;
CREATE TRIGGER register_area_removed AFTER DELETE ON areas
BEGIN INSERT INTO register_touched VALUES ('area', OLD.id); END;

DROP TRIGGER register_resident_changed;
CREATE TRIGGER register_resident_changed
AFTER UPDATE OF name, unit, extended, schedule_id, group_id, area_id, valid_from, valid_until, valid_until_set_on
ON residents
BEGIN INSERT INTO register_touched VALUES ('resident', NEW.id); END;
DROP TRIGGER proposal_of_fields;
CREATE TRIGGER proposal_of_fields
AFTER UPDATE OF name, unit, extended, schedule_id, group_id, area_id, valid_from, valid_until, valid_until_set_on
ON residents
BEGIN
    INSERT INTO register_touched SELECT 'resident', NEW.id FROM compound WHERE part = 'gate' AND taking = 0;
    UPDATE proposals SET fields = 1
        WHERE kind = 'resident' AND id = NEW.id AND (SELECT part = 'gate' AND taking = 0 FROM compound);
END;
