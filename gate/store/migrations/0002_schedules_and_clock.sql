CREATE TABLE schedules (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 60),
    windows TEXT NOT NULL
) STRICT;

CREATE TABLE groups (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 60),
    schedule_id TEXT REFERENCES schedules (id)
) STRICT;

ALTER TABLE residents ADD COLUMN schedule_id TEXT REFERENCES schedules (id);

ALTER TABLE residents ADD COLUMN group_id TEXT REFERENCES groups (id);

ALTER TABLE residents ADD COLUMN extended INTEGER NOT NULL DEFAULT 0 CHECK (extended IN (0, 1));

ALTER TABLE gate ADD COLUMN free_access_schedule_id TEXT REFERENCES schedules (id);

-- NULL on lines from before the clock was judged; their hash does not cover it.
ALTER TABLE audit ADD COLUMN clock_trusted INTEGER;

-- Who was erased, so that no old backup brings them back; the hash of a random id says nothing of a person.
CREATE TABLE erased (
    resident_hash TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
