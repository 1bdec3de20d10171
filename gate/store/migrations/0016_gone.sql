-- What no backup may bring back: templates that were erased, and consents that were withdrawn, by their random ids.
-- Whoever was erased is in `erased`.
CREATE TABLE gone (
    id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

INSERT INTO gone (id) SELECT id FROM consents WHERE withdrawn_at IS NOT NULL;

CREATE TRIGGER templates_gone AFTER DELETE ON templates
BEGIN INSERT OR IGNORE INTO gone (id) VALUES (OLD.id); END;

CREATE TRIGGER consents_gone AFTER UPDATE OF withdrawn_at ON consents WHEN NEW.withdrawn_at IS NOT NULL
BEGIN INSERT OR IGNORE INTO gone (id) VALUES (NEW.id); END;
