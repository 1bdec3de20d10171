-- What residents show beside their face. `finder` is found again by the door alone, whose key is in no database; `flat`
-- are the digits of the home that are typed before a PIN, as they were when it was drawn. A line with `duress` is what
-- is typed by somebody who is forced to: of the same holder, so that no PIN of anybody can be like it.
CREATE TABLE credentials (
    id TEXT PRIMARY KEY,
    resident_id TEXT NOT NULL REFERENCES residents (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('pin', 'card')),
    finder BLOB NOT NULL CHECK (typeof(finder) = 'blob' AND length(finder) = 32),
    duress INTEGER NOT NULL DEFAULT 0 CHECK (duress IN (0, 1)),
    flat TEXT,
    label TEXT,
    made_at TEXT NOT NULL,
    suspended_at TEXT,
    UNIQUE (kind, finder)
) STRICT;
CREATE INDEX credentials_of_resident ON credentials (resident_id);
-- What no backup may bring back.
CREATE TRIGGER credentials_gone AFTER DELETE ON credentials
BEGIN INSERT OR IGNORE INTO gone (id) VALUES (OLD.id); END;
CREATE TRIGGER credentials_suspended AFTER UPDATE OF suspended_at ON credentials WHEN NEW.suspended_at IS NOT NULL
BEGIN INSERT OR IGNORE INTO gone (id) VALUES (NEW.id || '/suspended'); END;
CREATE TRIGGER credentials_resumed AFTER UPDATE OF suspended_at ON credentials WHEN NEW.suspended_at IS NULL
BEGIN DELETE FROM gone WHERE id = NEW.id || '/suspended'; END;
-- With what PINs are hashed; each gate has its own.
CREATE TABLE code_salt (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    salt BLOB NOT NULL CHECK (typeof(salt) = 'blob' AND length(salt) = 16)
) STRICT;
INSERT INTO code_salt (only_row, salt) VALUES (1, randomblob(16));
