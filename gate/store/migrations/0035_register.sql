-- Many gates, one register. What this store is in it ('alone', the 'centre', a 'gate' that follows one), the epoch of the
-- register, how often a centre was started, and the broker's stream as it left it. `taking` is 1 within a transaction that writes what the centre
-- said: such a change is nobody's own.
CREATE TABLE compound (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    part TEXT NOT NULL DEFAULT 'alone' CHECK (part IN ('alone', 'centre', 'gate')),
    epoch INTEGER NOT NULL DEFAULT 0,
    changes INTEGER NOT NULL DEFAULT 0,
    taking INTEGER NOT NULL DEFAULT 0 CHECK (taking IN (0, 1)),
    starts INTEGER NOT NULL DEFAULT 0,
    stream TEXT,
    last_sequence INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO compound (only_row) VALUES (1);

-- What is on the register, and in which version: at the centre as it stands, at a gate as it was taken last. `due` is
-- the centre's outbox, in its order; `sequence` where the broker keeps the newest message.
CREATE TABLE register (
    kind TEXT NOT NULL CHECK (kind IN ('resident', 'schedule', 'group', 'holiday', 'revocation')),
    id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    version INTEGER NOT NULL,
    due INTEGER,
    sequence INTEGER,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX register_by_due ON register (due) WHERE due IS NOT NULL;

-- With what a resident's messages are read, destroyed with them; 'common' is of what is about nobody.
CREATE TABLE register_keys (
    id TEXT PRIMARY KEY,
    key BLOB NOT NULL CHECK (typeof(key) = 'blob' AND length(key) = 32)
) STRICT, WITHOUT ROWID;

-- Messages about people who were erased, which the broker is still to erase.
CREATE TABLE register_erasures (
    sequence INTEGER PRIMARY KEY
) STRICT;

-- What was revoked at this gate, and the centre is still to hear.
CREATE TABLE register_requests (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL
) STRICT;

-- At the centre: the gates that follow it, with their keys.
CREATE TABLE gates (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
    nkey TEXT NOT NULL UNIQUE,
    box BLOB NOT NULL CHECK (length(box) = 32),
    signer BLOB NOT NULL CHECK (length(signer) = 32),
    joined_at TEXT NOT NULL,
    removed_at TEXT
) STRICT;

-- Whatever is written here is due at a centre, and nothing anywhere else.
CREATE VIEW register_touched AS SELECT kind, id FROM register;
CREATE TRIGGER register_touch INSTEAD OF INSERT ON register_touched WHEN (SELECT part FROM compound) = 'centre'
BEGIN
    UPDATE compound SET changes = changes + 1;
    INSERT INTO register (kind, id, epoch, version, due)
        SELECT NEW.kind, NEW.id, epoch, 1, changes FROM compound WHERE true
        ON CONFLICT (kind, id) DO UPDATE
        SET version = version + 1, epoch = excluded.epoch, due = coalesce(due, excluded.due);
END;

CREATE TRIGGER register_resident_added AFTER INSERT ON residents
BEGIN INSERT INTO register_touched VALUES ('resident', NEW.id); END;
CREATE TRIGGER register_resident_changed
AFTER UPDATE OF name, unit, extended, schedule_id, group_id, valid_from, valid_until, valid_until_set_on ON residents
BEGIN INSERT INTO register_touched VALUES ('resident', NEW.id); END;
CREATE TRIGGER register_consent_given AFTER INSERT ON consents
BEGIN INSERT INTO register_touched VALUES ('resident', NEW.resident_id); END;
CREATE TRIGGER register_template_added AFTER INSERT ON templates WHEN NEW.learned_from IS NULL
BEGIN INSERT INTO register_touched VALUES ('resident', NEW.resident_id); END;
CREATE TRIGGER register_template_changed AFTER UPDATE ON templates WHEN NEW.learned_from IS NULL
BEGIN INSERT INTO register_touched VALUES ('resident', NEW.resident_id); END;
CREATE TRIGGER register_credential_added AFTER INSERT ON credentials WHEN NEW.resident_id IS NOT NULL
BEGIN INSERT INTO register_touched VALUES ('resident', NEW.resident_id); END;
CREATE TRIGGER register_schedule_added AFTER INSERT ON schedules
BEGIN INSERT INTO register_touched VALUES ('schedule', NEW.id); END;
CREATE TRIGGER register_schedule_changed AFTER UPDATE ON schedules
BEGIN INSERT INTO register_touched VALUES ('schedule', NEW.id); END;
CREATE TRIGGER register_schedule_removed AFTER DELETE ON schedules
BEGIN INSERT INTO register_touched VALUES ('schedule', OLD.id); END;
CREATE TRIGGER register_group_added AFTER INSERT ON groups
BEGIN INSERT INTO register_touched VALUES ('group', NEW.id); END;
CREATE TRIGGER register_group_changed AFTER UPDATE ON groups
BEGIN INSERT INTO register_touched VALUES ('group', NEW.id); END;
CREATE TRIGGER register_group_removed AFTER DELETE ON groups
BEGIN INSERT INTO register_touched VALUES ('group', OLD.id); END;
CREATE TRIGGER register_holiday_added AFTER INSERT ON holidays
BEGIN INSERT INTO register_touched VALUES ('holiday', NEW.id); END;
CREATE TRIGGER register_holiday_changed AFTER UPDATE ON holidays
BEGIN INSERT INTO register_touched VALUES ('holiday', NEW.id); END;
CREATE TRIGGER register_holiday_removed AFTER DELETE ON holidays
BEGIN INSERT INTO register_touched VALUES ('holiday', OLD.id); END;

-- What is taken from somebody goes its own, quicker way, and the rest follows. When a resident goes, what was theirs goes
-- after them, and is told by their own revocation.
CREATE TRIGGER register_template_removed AFTER DELETE ON templates
WHEN OLD.learned_from IS NULL AND EXISTS (SELECT 1 FROM residents WHERE id = OLD.resident_id)
BEGIN
    INSERT INTO register_touched VALUES ('revocation', OLD.id);
    INSERT INTO register_touched VALUES ('resident', OLD.resident_id);
END;
CREATE TRIGGER register_consent_ended AFTER UPDATE OF withdrawn_at ON consents
WHEN NEW.withdrawn_at IS NOT NULL AND OLD.withdrawn_at IS NULL
BEGIN
    INSERT INTO register_touched VALUES ('revocation', NEW.id);
    INSERT INTO register_touched VALUES ('resident', NEW.resident_id);
END;
CREATE TRIGGER register_credential_removed AFTER DELETE ON credentials
WHEN EXISTS (SELECT 1 FROM residents WHERE id = OLD.resident_id)
BEGIN
    INSERT INTO register_touched VALUES ('revocation', OLD.id);
    INSERT INTO register_touched VALUES ('resident', OLD.resident_id);
END;
CREATE TRIGGER register_credential_suspended AFTER UPDATE OF suspended_at ON credentials
WHEN NEW.resident_id IS NOT NULL AND (NEW.suspended_at IS NULL) <> (OLD.suspended_at IS NULL)
BEGIN
    INSERT INTO register_touched VALUES ('revocation', NEW.id || '/suspended');
    INSERT INTO register_touched VALUES ('resident', NEW.resident_id);
END;
CREATE TRIGGER register_resident_removed BEFORE DELETE ON residents
BEGIN
    INSERT INTO register_touched VALUES ('revocation', OLD.id);
    INSERT OR IGNORE INTO register_erasures (sequence)
        SELECT sequence FROM register, compound
        WHERE kind = 'resident' AND id = OLD.id AND sequence IS NOT NULL AND part = 'centre';
    INSERT INTO register_requests (id) SELECT OLD.id FROM compound
        WHERE part = 'gate' AND taking = 0
            AND EXISTS (SELECT 1 FROM register WHERE kind = 'resident' AND id = OLD.id)
            AND NOT EXISTS (SELECT 1 FROM register WHERE kind = 'revocation' AND id = OLD.id);
    DELETE FROM register WHERE kind = 'resident' AND id = OLD.id;
    DELETE FROM register_keys WHERE id = OLD.id;
END;

-- At a gate: what is taken there from somebody of the register, and not by the centre's word, is told to the centre.
CREATE TRIGGER request_template_removed AFTER DELETE ON templates WHEN OLD.learned_from IS NULL
BEGIN
    INSERT INTO register_requests (id) SELECT OLD.id FROM compound
        WHERE part = 'gate' AND taking = 0
            AND EXISTS (SELECT 1 FROM register WHERE kind = 'resident' AND id = OLD.resident_id)
            AND NOT EXISTS (SELECT 1 FROM register WHERE kind = 'revocation' AND id = OLD.id);
END;
CREATE TRIGGER request_consent_ended AFTER UPDATE OF withdrawn_at ON consents
WHEN NEW.withdrawn_at IS NOT NULL AND OLD.withdrawn_at IS NULL
BEGIN
    INSERT INTO register_requests (id) SELECT NEW.id FROM compound
        WHERE part = 'gate' AND taking = 0
            AND EXISTS (SELECT 1 FROM register WHERE kind = 'resident' AND id = NEW.resident_id)
            AND NOT EXISTS (SELECT 1 FROM register WHERE kind = 'revocation' AND id = NEW.id);
END;
CREATE TRIGGER request_credential_removed AFTER DELETE ON credentials
BEGIN
    INSERT INTO register_requests (id) SELECT OLD.id FROM compound
        WHERE part = 'gate' AND taking = 0
            AND EXISTS (SELECT 1 FROM register WHERE kind = 'resident' AND id = OLD.resident_id)
            AND NOT EXISTS (SELECT 1 FROM register WHERE kind = 'revocation' AND id = OLD.id);
END;
CREATE TRIGGER request_credential_suspended AFTER UPDATE OF suspended_at ON credentials
WHEN NEW.suspended_at IS NOT NULL AND OLD.suspended_at IS NULL
BEGIN
    INSERT INTO register_requests (id) SELECT NEW.id || '/suspended' FROM compound
        WHERE part = 'gate' AND taking = 0
            AND EXISTS (SELECT 1 FROM register WHERE kind = 'resident' AND id = NEW.resident_id);
END;
