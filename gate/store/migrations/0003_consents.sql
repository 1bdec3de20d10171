CREATE TABLE consents (
    id TEXT PRIMARY KEY,
    resident_id TEXT NOT NULL REFERENCES residents (id) ON DELETE CASCADE,
    text TEXT NOT NULL,
    language TEXT NOT NULL,
    text_sha256 TEXT NOT NULL,
    way TEXT NOT NULL CHECK (way IN ('told', 'paper', 'screen', 'none')),
    guardian TEXT,
    recorded_by TEXT NOT NULL,
    given_at TEXT NOT NULL,
    withdrawn_at TEXT
) STRICT;

CREATE INDEX consents_by_resident ON consents (resident_id);

-- Who was enrolled before consents were recorded: their row says so, and they are asked again.
INSERT INTO consents (id, resident_id, text, language, text_sha256, way, recorded_by, given_at)
    SELECT lower(hex(randomblob(16))), r.id, 'not recorded', 'en', '', 'none', 'migration', r.created_at
    FROM residents r WHERE EXISTS (SELECT 1 FROM templates t WHERE t.resident_id = r.id);

CREATE TRIGGER templates_need_consent BEFORE INSERT ON templates
WHEN NOT EXISTS (SELECT 1 FROM consents WHERE resident_id = NEW.resident_id AND withdrawn_at IS NULL)
BEGIN SELECT RAISE(ABORT, 'no template without a recorded consent'); END;
