-- At a gate that follows a centre: what was enrolled or changed there, until the centre has taken it or said no. The
-- gate's own tables have it already. `epoch` and `version` are those of the register that it was made on, 0 where it
-- is new; `fields`: more was changed than what is added to somebody; `back`: it is what the centre itself had, and lost;
-- `refused` is why the centre did not take all of it.
CREATE TABLE proposals (
    kind TEXT NOT NULL CHECK (kind IN ('resident', 'schedule', 'group', 'holiday')),
    id TEXT NOT NULL,
    number INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    version INTEGER NOT NULL,
    fields INTEGER NOT NULL CHECK (fields IN (0, 1)),
    back INTEGER NOT NULL DEFAULT 0 CHECK (back IN (0, 1)),
    refused TEXT,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

-- People, hours and holidays of this gate alone, which nobody proposes.
CREATE TABLE stays_here (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
INSERT INTO stays_here SELECT 'resident', id FROM residents, compound WHERE part = 'gate'
    AND NOT EXISTS (SELECT 1 FROM register WHERE kind = 'resident' AND register.id = residents.id);
INSERT INTO stays_here SELECT 'schedule', id FROM schedules, compound WHERE part = 'gate'
    AND NOT EXISTS (SELECT 1 FROM register WHERE kind = 'schedule' AND register.id = schedules.id);
INSERT INTO stays_here SELECT 'group', id FROM groups, compound WHERE part = 'gate'
    AND NOT EXISTS (SELECT 1 FROM register WHERE kind = 'group' AND register.id = groups.id);
INSERT INTO stays_here SELECT 'holiday', id FROM holidays, compound WHERE part = 'gate'
    AND NOT EXISTS (SELECT 1 FROM register WHERE kind = 'holiday' AND register.id = holidays.id);

-- A centre that came back from a backup asks its gates for what it lost: which time that is, and whether it still waits
-- for some of them. At a gate: for which time it gave all of it back.
ALTER TABLE compound ADD COLUMN recovery TEXT;
ALTER TABLE compound ADD COLUMN recovering INTEGER NOT NULL DEFAULT 0 CHECK (recovering IN (0, 1));

-- What the triggers of the register call touched is proposed at a gate, unless the centre itself wrote it.
CREATE TRIGGER proposal_touch INSTEAD OF INSERT ON register_touched
WHEN NEW.kind <> 'revocation' AND (SELECT part = 'gate' AND taking = 0 FROM compound)
    AND NOT EXISTS (SELECT 1 FROM stays_here WHERE kind = NEW.kind AND id = NEW.id)
BEGIN
    UPDATE compound SET changes = changes + 1;
    INSERT INTO proposals (kind, id, number, epoch, version, fields)
        SELECT NEW.kind, NEW.id, changes, coalesce(r.epoch, 0), coalesce(r.version, 0), NEW.kind <> 'resident'
        FROM compound LEFT JOIN register r ON r.kind = NEW.kind AND r.id = NEW.id WHERE true
        ON CONFLICT (kind, id) DO UPDATE SET number = excluded.number, fields = max(fields, excluded.fields),
            epoch = CASE WHEN refused IS NULL THEN epoch ELSE excluded.epoch END,
            version = CASE WHEN refused IS NULL THEN version ELSE excluded.version END, refused = NULL;
END;
CREATE TRIGGER proposal_of_fields
AFTER UPDATE OF name, unit, extended, schedule_id, group_id, valid_from, valid_until, valid_until_set_on ON residents
BEGIN
    INSERT INTO register_touched SELECT 'resident', NEW.id FROM compound WHERE part = 'gate' AND taking = 0;
    UPDATE proposals SET fields = 1
        WHERE kind = 'resident' AND id = NEW.id AND (SELECT part = 'gate' AND taking = 0 FROM compound);
END;

-- Whoever is taken away before the centre answered is revoked all the same: it may have taken them.
CREATE TRIGGER proposal_resident_removed BEFORE DELETE ON residents
BEGIN
    INSERT INTO register_requests (id) SELECT OLD.id FROM compound
        WHERE part = 'gate' AND taking = 0
            AND EXISTS (SELECT 1 FROM proposals WHERE kind = 'resident' AND id = OLD.id)
            AND NOT EXISTS (SELECT 1 FROM register WHERE kind IN ('resident', 'revocation') AND id = OLD.id)
            AND NOT EXISTS (SELECT 1 FROM register_requests WHERE id = OLD.id);
    DELETE FROM proposals WHERE kind = 'resident' AND id = OLD.id;
    DELETE FROM stays_here WHERE kind = 'resident' AND id = OLD.id;
END;
CREATE TRIGGER proposal_template_removed AFTER DELETE ON templates WHEN OLD.learned_from IS NULL
BEGIN
    INSERT INTO register_requests (id) SELECT OLD.id FROM compound
        WHERE part = 'gate' AND taking = 0
            AND EXISTS (SELECT 1 FROM proposals WHERE kind = 'resident' AND id = OLD.resident_id)
            AND NOT EXISTS (SELECT 1 FROM register WHERE kind = 'resident' AND id = OLD.resident_id);
END;
CREATE TRIGGER proposal_consent_ended AFTER UPDATE OF withdrawn_at ON consents
WHEN NEW.withdrawn_at IS NOT NULL AND OLD.withdrawn_at IS NULL
BEGIN
    INSERT INTO register_requests (id) SELECT NEW.id FROM compound
        WHERE part = 'gate' AND taking = 0
            AND EXISTS (SELECT 1 FROM proposals WHERE kind = 'resident' AND id = NEW.resident_id)
            AND NOT EXISTS (SELECT 1 FROM register WHERE kind = 'resident' AND id = NEW.resident_id);
END;
CREATE TRIGGER proposal_credential_removed AFTER DELETE ON credentials
BEGIN
    INSERT INTO register_requests (id) SELECT OLD.id FROM compound
        WHERE part = 'gate' AND taking = 0
            AND EXISTS (SELECT 1 FROM proposals WHERE kind = 'resident' AND id = OLD.resident_id)
            AND NOT EXISTS (SELECT 1 FROM register WHERE kind = 'resident' AND id = OLD.resident_id);
END;

-- What is taken from somebody goes its own way to the centre, which tells the rest: at a gate it is no proposal.
DROP TRIGGER register_template_removed;
CREATE TRIGGER register_template_removed AFTER DELETE ON templates
WHEN OLD.learned_from IS NULL AND EXISTS (SELECT 1 FROM residents WHERE id = OLD.resident_id)
    AND (SELECT part FROM compound) = 'centre'
BEGIN
    INSERT INTO register_touched VALUES ('revocation', OLD.id);
    INSERT INTO register_touched VALUES ('resident', OLD.resident_id);
END;
DROP TRIGGER register_consent_ended;
CREATE TRIGGER register_consent_ended AFTER UPDATE OF withdrawn_at ON consents
WHEN NEW.withdrawn_at IS NOT NULL AND OLD.withdrawn_at IS NULL AND (SELECT part FROM compound) = 'centre'
BEGIN
    INSERT INTO register_touched VALUES ('revocation', NEW.id);
    INSERT INTO register_touched VALUES ('resident', NEW.resident_id);
END;
DROP TRIGGER register_credential_removed;
CREATE TRIGGER register_credential_removed AFTER DELETE ON credentials
WHEN EXISTS (SELECT 1 FROM residents WHERE id = OLD.resident_id) AND (SELECT part FROM compound) = 'centre'
BEGIN
    INSERT INTO register_touched VALUES ('revocation', OLD.id);
    INSERT INTO register_touched VALUES ('resident', OLD.resident_id);
END;
DROP TRIGGER register_credential_suspended;
CREATE TRIGGER register_credential_suspended AFTER UPDATE OF suspended_at ON credentials
WHEN NEW.resident_id IS NOT NULL AND (NEW.suspended_at IS NULL) <> (OLD.suspended_at IS NULL)
    AND (SELECT part FROM compound) = 'centre'
BEGIN
    INSERT INTO register_touched VALUES ('revocation', NEW.id || '/suspended');
    INSERT INTO register_touched VALUES ('resident', NEW.resident_id);
END;
