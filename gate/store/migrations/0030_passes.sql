-- Passes of visitors, who are nobody on the register: for a home, of a host where one is named. Times are ISO 8601, UTC,
-- all to the millisecond, so that they sort as texts.
CREATE TABLE passes (
    id TEXT PRIMARY KEY,
    unit TEXT,
    host_id TEXT REFERENCES residents (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    flat TEXT,
    valid_from TEXT NOT NULL,
    valid_until TEXT NOT NULL CHECK (valid_until > valid_from),
    schedule_id TEXT REFERENCES schedules (id),
    uses INTEGER NOT NULL CHECK (uses > 0),
    uses_left INTEGER NOT NULL CHECK (uses_left BETWEEN 0 AND uses),
    first_used_at TEXT,
    lasts_s INTEGER CHECK (lasts_s > 0),
    made_at TEXT NOT NULL,
    revoked_at TEXT
) STRICT;
CREATE INDEX passes_of_host ON passes (host_id);
CREATE INDEX passes_by_end ON passes (valid_until);

-- A pass has two codes: kind 'pass' is what its picture says, kind 'pin' what is typed, so that no PIN of anybody can be
-- like it. A table's checks cannot be changed: it is made anew.
DROP TRIGGER credentials_gone;
DROP TRIGGER credentials_suspended;
DROP TRIGGER credentials_resumed;
CREATE TABLE credentials_of_now (
    id TEXT PRIMARY KEY,
    resident_id TEXT REFERENCES residents (id) ON DELETE CASCADE,
    pass_id TEXT REFERENCES passes (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('pin', 'card', 'pass')),
    finder BLOB NOT NULL CHECK (typeof(finder) = 'blob' AND length(finder) = 32),
    duress INTEGER NOT NULL DEFAULT 0 CHECK (duress IN (0, 1)),
    flat TEXT,
    label TEXT,
    made_at TEXT NOT NULL,
    suspended_at TEXT,
    UNIQUE (kind, finder),
    CHECK ((resident_id IS NULL) != (pass_id IS NULL)),
    CHECK (kind != 'pass' OR pass_id IS NOT NULL)
) STRICT;
INSERT INTO credentials_of_now
    (id, resident_id, kind, finder, duress, flat, label, made_at, suspended_at)
    SELECT id, resident_id, kind, finder, duress, flat, label, made_at, suspended_at FROM credentials ORDER BY rowid;
DROP TABLE credentials;
ALTER TABLE credentials_of_now RENAME TO credentials;
CREATE INDEX credentials_of_resident ON credentials (resident_id);
CREATE INDEX credentials_of_pass ON credentials (pass_id);
CREATE TRIGGER credentials_gone AFTER DELETE ON credentials
BEGIN INSERT OR IGNORE INTO gone (id) VALUES (OLD.id); END;
CREATE TRIGGER credentials_suspended AFTER UPDATE OF suspended_at ON credentials WHEN NEW.suspended_at IS NOT NULL
BEGIN INSERT OR IGNORE INTO gone (id) VALUES (NEW.id || '/suspended'); END;
CREATE TRIGGER credentials_resumed AFTER UPDATE OF suspended_at ON credentials WHEN NEW.suspended_at IS NULL
BEGIN DELETE FROM gone WHERE id = NEW.id || '/suspended'; END;
