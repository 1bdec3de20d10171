-- Each use of a pass by itself, with the gate at which it was spent: told twice, late or in whatever order it counts once.
-- `given_back`: nobody passed by it. Triggers count them into the pass; a use is never deleted but with its pass, or long
-- after it was given back.
CREATE TABLE pass_uses (
    id TEXT PRIMARY KEY,
    pass_id TEXT NOT NULL REFERENCES passes (id) ON DELETE CASCADE,
    gate_id TEXT NOT NULL,
    at TEXT NOT NULL,
    given_back INTEGER NOT NULL DEFAULT 0 CHECK (given_back IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE INDEX pass_uses_of_pass ON pass_uses (pass_id);
-- Those of before have the same ids also where an older copy of the database is brought up to date later.
WITH RECURSIVE number (one) AS (SELECT 1 UNION ALL SELECT one + 1 FROM number WHERE one < 100)
INSERT INTO pass_uses (id, pass_id, gate_id, at)
    SELECT p.id || '-' || one, p.id, g.id, coalesce(p.first_used_at, p.made_at)
    FROM passes p, gate g, number WHERE one <= p.uses - p.uses_left;

-- The register has passes too: whatever kinds there are is said by what reads them. Triggers and a view name these
-- tables, and are not to be looked at while they are made anew.
PRAGMA legacy_alter_table = ON;
CREATE TABLE register_of_now (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    version INTEGER NOT NULL,
    due INTEGER,
    sequence INTEGER,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
INSERT INTO register_of_now SELECT kind, id, epoch, version, due, sequence FROM register;
DROP TABLE register;
ALTER TABLE register_of_now RENAME TO register;
CREATE INDEX register_by_due ON register (due) WHERE due IS NOT NULL;
CREATE TABLE proposals_of_now (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    number INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    version INTEGER NOT NULL,
    fields INTEGER NOT NULL CHECK (fields IN (0, 1)),
    back INTEGER NOT NULL DEFAULT 0 CHECK (back IN (0, 1)),
    refused TEXT,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
INSERT INTO proposals_of_now SELECT kind, id, number, epoch, version, fields, back, refused FROM proposals;
DROP TABLE proposals;
ALTER TABLE proposals_of_now RENAME TO proposals;
PRAGMA legacy_alter_table = OFF;

-- What a gate that follows gave before now was said to open that gate alone. A centre's go to all gates.
INSERT OR IGNORE INTO stays_here SELECT 'pass', p.id FROM passes p, compound WHERE part = 'gate';
INSERT INTO register_touched SELECT 'pass', p.id FROM passes p, compound WHERE part = 'centre' AND revoked_at IS NULL;

CREATE TRIGGER pass_use_spent AFTER INSERT ON pass_uses
BEGIN
    UPDATE passes SET
        uses_left = max(0, uses - (SELECT count(*) FROM pass_uses WHERE pass_id = NEW.pass_id AND NOT given_back)),
        first_used_at = (SELECT min(at) FROM pass_uses WHERE pass_id = NEW.pass_id AND NOT given_back)
        WHERE id = NEW.pass_id;
    INSERT INTO register_touched SELECT 'pass', id FROM passes WHERE id = NEW.pass_id AND revoked_at IS NULL;
END;
CREATE TRIGGER pass_use_given_back AFTER UPDATE OF given_back ON pass_uses
WHEN NEW.given_back AND NOT OLD.given_back
BEGIN
    UPDATE passes SET
        uses_left = max(0, uses - (SELECT count(*) FROM pass_uses WHERE pass_id = NEW.pass_id AND NOT given_back)),
        first_used_at = (SELECT min(at) FROM pass_uses WHERE pass_id = NEW.pass_id AND NOT given_back)
        WHERE id = NEW.pass_id;
    INSERT INTO register_touched SELECT 'pass', id FROM passes WHERE id = NEW.pass_id AND revoked_at IS NULL;
END;
CREATE TRIGGER register_pass_made AFTER INSERT ON passes WHEN NEW.revoked_at IS NULL
BEGIN INSERT INTO register_touched VALUES ('pass', NEW.id); END;
-- Whoever was at one gate alone until they agreed to all of them has visitors at one gate alone until then.
CREATE TRIGGER register_pass_of_host AFTER INSERT ON consents
BEGIN
    INSERT INTO register_touched SELECT 'pass', id FROM passes
        WHERE host_id = NEW.resident_id AND revoked_at IS NULL
            AND NOT EXISTS (SELECT 1 FROM register r WHERE r.kind = 'pass' AND r.id = passes.id);
END;

-- A pass that is taken back goes the revocations' way, and is on the register no more. What opens nothing any more anyway
-- is erased by each machine by itself, when it was kept long enough: nobody needs to be told. What is erased before that
-- goes with whom they visit, of whom the centre is told.
CREATE TRIGGER register_pass_revoked AFTER UPDATE OF revoked_at ON passes
WHEN NEW.revoked_at IS NOT NULL AND OLD.revoked_at IS NULL AND (SELECT part FROM compound) = 'centre'
BEGIN
    INSERT INTO register_touched VALUES ('revocation', NEW.id);
    INSERT OR IGNORE INTO register_erasures (sequence)
        SELECT sequence FROM register WHERE kind = 'pass' AND id = NEW.id AND sequence IS NOT NULL;
    DELETE FROM register WHERE kind = 'pass' AND id = NEW.id;
    DELETE FROM register_keys WHERE id = NEW.id;
END;
CREATE TRIGGER request_pass_revoked AFTER UPDATE OF revoked_at ON passes
WHEN NEW.revoked_at IS NOT NULL AND OLD.revoked_at IS NULL AND (SELECT part = 'gate' AND taking = 0 FROM compound)
BEGIN
    INSERT INTO register_requests (id) SELECT NEW.id
        WHERE (EXISTS (SELECT 1 FROM register WHERE kind = 'pass' AND id = NEW.id)
            OR EXISTS (SELECT 1 FROM proposals WHERE kind = 'pass' AND id = NEW.id))
            AND NOT EXISTS (SELECT 1 FROM register WHERE kind = 'revocation' AND id = NEW.id);
    DELETE FROM proposals WHERE kind = 'pass' AND id = NEW.id;
END;
CREATE TRIGGER register_pass_removed BEFORE DELETE ON passes
BEGIN
    INSERT INTO register_touched SELECT 'revocation', OLD.id
        FROM compound WHERE part = 'centre' AND OLD.revoked_at IS NULL
            AND OLD.valid_until > strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
            AND EXISTS (SELECT 1 FROM register WHERE kind = 'pass' AND id = OLD.id);
    INSERT OR IGNORE INTO register_erasures (sequence)
        SELECT sequence FROM register, compound
        WHERE kind = 'pass' AND id = OLD.id AND sequence IS NOT NULL AND part = 'centre';
    DELETE FROM register WHERE kind = 'pass' AND id = OLD.id;
    DELETE FROM register_keys WHERE id = OLD.id;
    DELETE FROM proposals WHERE kind = 'pass' AND id = OLD.id;
    DELETE FROM stays_here WHERE kind = 'pass' AND id = OLD.id;
END;
