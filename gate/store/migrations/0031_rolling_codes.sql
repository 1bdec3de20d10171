-- What an authenticator on a phone shows: found by its id under the door's key, of which its own key comes too. A table's
-- checks cannot be changed: it is made anew.
DROP TRIGGER credentials_gone;
DROP TRIGGER credentials_suspended;
DROP TRIGGER credentials_resumed;
CREATE TABLE credentials_of_now (
    id TEXT PRIMARY KEY,
    resident_id TEXT REFERENCES residents (id) ON DELETE CASCADE,
    pass_id TEXT REFERENCES passes (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('pin', 'card', 'rolling', 'pass')),
    finder BLOB NOT NULL CHECK (typeof(finder) = 'blob' AND length(finder) = 32),
    duress INTEGER NOT NULL DEFAULT 0 CHECK (duress IN (0, 1)),
    flat TEXT,
    label TEXT,
    made_at TEXT NOT NULL,
    suspended_at TEXT,
    UNIQUE (kind, finder),
    CHECK ((resident_id IS NULL) != (pass_id IS NULL)),
    CHECK (kind != 'pass' OR pass_id IS NOT NULL),
    CHECK (kind != 'rolling' OR (resident_id IS NOT NULL AND flat IS NOT NULL))
) STRICT;
INSERT INTO credentials_of_now SELECT * FROM credentials ORDER BY rowid;
DROP TABLE credentials;
ALTER TABLE credentials_of_now RENAME TO credentials;
CREATE INDEX credentials_of_resident ON credentials (resident_id);
CREATE INDEX credentials_of_pass ON credentials (pass_id);
CREATE INDEX credentials_of_home ON credentials (flat) WHERE kind = 'rolling';
CREATE TRIGGER credentials_gone AFTER DELETE ON credentials
BEGIN INSERT OR IGNORE INTO gone (id) VALUES (OLD.id); END;
CREATE TRIGGER credentials_suspended AFTER UPDATE OF suspended_at ON credentials WHEN NEW.suspended_at IS NOT NULL
BEGIN INSERT OR IGNORE INTO gone (id) VALUES (NEW.id || '/suspended'); END;
CREATE TRIGGER credentials_resumed AFTER UPDATE OF suspended_at ON credentials WHEN NEW.suspended_at IS NULL
BEGIN DELETE FROM gone WHERE id = NEW.id || '/suspended'; END;
