-- Whose templates came or went with each version of the gallery: vision follows them without reading all the others.
-- By number, which says nothing of a person who was erased.
CREATE TABLE gallery_changes (
    version INTEGER NOT NULL,
    number INTEGER NOT NULL
) STRICT;

CREATE INDEX gallery_changes_by_version ON gallery_changes (version);

DROP TRIGGER templates_added;

DROP TRIGGER templates_removed;

CREATE TRIGGER templates_added AFTER INSERT ON templates
BEGIN
    UPDATE gate SET gallery_version = gallery_version + 1;
    INSERT INTO gallery_changes (version, number)
        SELECT gallery_version, r.number FROM gate JOIN residents r ON r.id = NEW.resident_id;
END;

CREATE TRIGGER templates_removed AFTER DELETE ON templates
BEGIN
    UPDATE gate SET gallery_version = gallery_version + 1;
    INSERT INTO gallery_changes (version, number)
        SELECT gallery_version, r.number FROM gate JOIN residents r ON r.id = OLD.resident_id;
END;

-- Their templates go after them, and know no number any more.
CREATE TRIGGER residents_removed BEFORE DELETE ON residents
BEGIN
    UPDATE gate SET gallery_version = gallery_version + 1;
    INSERT INTO gallery_changes (version, number) SELECT gallery_version, OLD.number FROM gate;
END;

-- Whoever is further behind reads everything anew.
CREATE TRIGGER gallery_changes_forgotten AFTER INSERT ON gallery_changes
BEGIN DELETE FROM gallery_changes WHERE version <= NEW.version - 1000; END;
