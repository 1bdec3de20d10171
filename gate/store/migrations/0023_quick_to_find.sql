-- What all writings of a name have in common: namesakes are found by it. `folded_name` is gate.names.folded_name, since
-- SQLite folds ASCII alone; whoever writes a name writes this too. NULL: nobody did, and the name itself is looked at.
ALTER TABLE residents ADD COLUMN folded_name TEXT;

UPDATE residents SET folded_name = folded_name(name);

CREATE INDEX residents_by_folded_name ON residents (folded_name);

CREATE TRIGGER residents_renamed AFTER UPDATE OF name ON residents
WHEN NEW.name <> OLD.name AND NEW.folded_name IS OLD.folded_name
BEGIN UPDATE residents SET folded_name = NULL WHERE number = NEW.number; END;

-- Which of the lines with a reason are of a kind is seen in the index, where the lines themselves were read before.
DROP INDEX audit_by_reason;

CREATE INDEX audit_by_reason ON audit (json_extract(details, '$.reason'), sequence, kind)
WHERE json_extract(details, '$.reason') IS NOT NULL;
