-- What an authenticator on a telephone shows: found by its id under the door's key, of which its own key comes too.
CREATE TABLE credentials_new (
    id TEXT PRIMARY KEY,
    resident_id TEXT NOT NULL REFERENCES residents (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('pin', 'card', 'rolling')),
    finder BLOB NOT NULL CHECK (typeof(finder) = 'blob' AND length(finder) = 32),
    duress INTEGER NOT NULL DEFAULT 0 CHECK (duress IN (0, 1)),
    flat TEXT,
    label TEXT,
    made_at TEXT NOT NULL,
    suspended_at TEXT,
    UNIQUE (kind, finder)
) STRICT;
INSERT INTO credentials_new SELECT * FROM credentials;
DROP TABLE credentials;
ALTER TABLE credentials_new RENAME TO credentials;
CREATE INDEX credentials_of_resident ON credentials (resident_id);
CREATE INDEX credentials_of_home ON credentials (flat) WHERE kind = 'rolling';
-- As they were.
CREATE TRIGGER credentials_gone AFTER DELETE ON credentials
BEGIN INSERT OR IGNORE INTO gone (id) VALUES (OLD.id); END;
CREATE TRIGGER credentials_suspended AFTER UPDATE OF suspended_at ON credentials WHEN NEW.suspended_at IS NOT NULL
BEGIN INSERT OR IGNORE INTO gone (id) VALUES (NEW.id || '/suspended'); END;
CREATE TRIGGER credentials_resumed AFTER UPDATE OF suspended_at ON credentials WHEN NEW.suspended_at IS NULL
BEGIN DELETE FROM gone WHERE id = NEW.id || '/suspended'; END;
