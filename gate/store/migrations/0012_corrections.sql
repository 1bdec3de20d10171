-- Openings that were somebody else: from then on a face must score above what the other one did to be taken for this
-- resident. A score is kept, and nothing of the other's face; it outlasts the line of the record that it came from.
CREATE TABLE corrections (
    event_id TEXT PRIMARY KEY,
    resident_id TEXT NOT NULL REFERENCES residents (id) ON DELETE CASCADE,
    similarity REAL NOT NULL CHECK (similarity BETWEEN -2 AND 2),
    at TEXT NOT NULL
) STRICT;

CREATE INDEX corrections_by_resident ON corrections (resident_id);

CREATE TRIGGER corrections_added AFTER INSERT ON corrections
BEGIN
    UPDATE gate SET gallery_version = gallery_version + 1;
    INSERT INTO gallery_changes (version, number)
        SELECT gallery_version, r.number FROM gate JOIN residents r ON r.id = NEW.resident_id;
END;

CREATE TRIGGER corrections_removed AFTER DELETE ON corrections
BEGIN
    UPDATE gate SET gallery_version = gallery_version + 1;
    INSERT INTO gallery_changes (version, number)
        SELECT gallery_version, r.number FROM gate JOIN residents r ON r.id = OLD.resident_id;
END;
