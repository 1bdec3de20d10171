-- Links by which residents send a photo of their own: at most one for each. Of its secret only the hash is kept, and of
-- the browser that agreed only a hash; what was sent waits in the memory of the api, and nothing of a face is here.
CREATE TABLE photo_links (
    id TEXT PRIMARY KEY,
    resident_id TEXT NOT NULL UNIQUE REFERENCES residents (id) ON DELETE CASCADE,
    secret_sha256 TEXT NOT NULL UNIQUE,
    made_by TEXT NOT NULL,
    made_at TEXT NOT NULL,
    ends_at TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    device_sha256 TEXT,
    text TEXT,
    language TEXT,
    text_sha256 TEXT,
    guardian TEXT,
    agreed_at TEXT,
    sent_at TEXT,
    refused TEXT,
    done_at TEXT,
    CHECK ((agreed_at IS NULL) = (device_sha256 IS NULL)),
    CHECK (sent_at IS NULL OR agreed_at IS NOT NULL)
) STRICT;

-- Consents are given on somebody's own phone too. A table's checks cannot be changed: it is made anew.
DROP TRIGGER templates_need_consent;
DROP TRIGGER consents_gone;

CREATE TABLE consents_of_now (
    id TEXT PRIMARY KEY,
    resident_id TEXT NOT NULL REFERENCES residents (id) ON DELETE CASCADE,
    text TEXT NOT NULL,
    language TEXT NOT NULL,
    text_sha256 TEXT NOT NULL,
    way TEXT NOT NULL CHECK (way IN ('told', 'paper', 'screen', 'phone', 'none')),
    guardian TEXT,
    recorded_by TEXT NOT NULL,
    given_at TEXT NOT NULL,
    withdrawn_at TEXT
) STRICT;

INSERT INTO consents_of_now
    (id, resident_id, text, language, text_sha256, way, guardian, recorded_by, given_at, withdrawn_at)
    SELECT id, resident_id, text, language, text_sha256, way, guardian, recorded_by, given_at, withdrawn_at
    FROM consents ORDER BY rowid;

DROP TABLE consents;
ALTER TABLE consents_of_now RENAME TO consents;

CREATE INDEX consents_by_resident ON consents (resident_id);

CREATE TRIGGER templates_need_consent BEFORE INSERT ON templates
WHEN NOT EXISTS (SELECT 1 FROM consents WHERE resident_id = NEW.resident_id AND withdrawn_at IS NULL)
BEGIN SELECT RAISE(ABORT, 'no template without a recorded consent'); END;

CREATE TRIGGER consents_gone AFTER UPDATE OF withdrawn_at ON consents WHEN NEW.withdrawn_at IS NOT NULL
BEGIN INSERT OR IGNORE INTO gone (id) VALUES (NEW.id); END;
