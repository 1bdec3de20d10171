-- How much of the register there is of each epoch, but for passes, and one digest of all of it, so that nobody reads a
-- hundred thousand rows to compare two registers (gate/store/compound/items.py).
CREATE TABLE register_sums (
    epoch INTEGER PRIMARY KEY,
    entries INTEGER NOT NULL,
    digest TEXT NOT NULL
) STRICT;

-- What is not in the sums as it stands now: as it was when they were made; without an epoch where it was not there.
CREATE TABLE register_moved (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    epoch INTEGER,
    version INTEGER,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
INSERT INTO register_moved (kind, id) SELECT kind, id FROM register WHERE kind <> 'pass';

-- The first move alone is told: the later ones are of what is not in the sums. Before, since whoever replaces a row
-- fires no trigger of what went; and by no conflict clause, which whoever writes the register would overrule.
CREATE TRIGGER register_moved_in BEFORE INSERT ON register
WHEN NEW.kind <> 'pass' AND NOT EXISTS (SELECT 1 FROM register_moved WHERE kind = NEW.kind AND id = NEW.id)
BEGIN
    INSERT INTO register_moved (kind, id, epoch, version)
        SELECT NEW.kind, NEW.id, max(epoch), max(version) FROM register WHERE kind = NEW.kind AND id = NEW.id;
END;
CREATE TRIGGER register_moved_on BEFORE UPDATE OF epoch, version ON register
WHEN OLD.kind <> 'pass' AND NOT EXISTS (SELECT 1 FROM register_moved WHERE kind = OLD.kind AND id = OLD.id)
BEGIN
    INSERT INTO register_moved (kind, id, epoch, version) VALUES (OLD.kind, OLD.id, OLD.epoch, OLD.version);
END;
CREATE TRIGGER register_moved_out BEFORE DELETE ON register
WHEN OLD.kind <> 'pass' AND NOT EXISTS (SELECT 1 FROM register_moved WHERE kind = OLD.kind AND id = OLD.id)
BEGIN
    INSERT INTO register_moved (kind, id, epoch, version) VALUES (OLD.kind, OLD.id, OLD.epoch, OLD.version);
END;
