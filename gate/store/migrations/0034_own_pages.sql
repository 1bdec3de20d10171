-- Residents' own pages on their phones: at most one each. Of a link's secret only the hash is kept, and of the phone that
-- opened it a hash of what that is known by; one phone may have several pages, as of a family.
CREATE TABLE own_pages (
    id TEXT PRIMARY KEY,
    resident_id TEXT NOT NULL UNIQUE REFERENCES residents (id) ON DELETE CASCADE,
    secret_sha256 TEXT NOT NULL UNIQUE,
    made_by TEXT NOT NULL,
    made_at TEXT NOT NULL,
    open_by TEXT NOT NULL,
    phone_sha256 TEXT,
    opened_at TEXT,
    CHECK ((phone_sha256 IS NULL) = (opened_at IS NULL))
) STRICT;
CREATE INDEX own_pages_of_phone ON own_pages (phone_sha256) WHERE phone_sha256 IS NOT NULL;
-- What no backup may bring back.
CREATE TRIGGER own_pages_gone AFTER DELETE ON own_pages
BEGIN INSERT OR IGNORE INTO gone (id) VALUES (OLD.id); END;
