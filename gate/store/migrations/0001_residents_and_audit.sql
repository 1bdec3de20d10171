CREATE TABLE gate (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    id TEXT NOT NULL,
    gallery_version INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE residents (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    unit TEXT,
    created_at TEXT NOT NULL
) STRICT;

CREATE TABLE templates (
    id TEXT PRIMARY KEY,
    resident_id TEXT NOT NULL REFERENCES residents (id) ON DELETE CASCADE,
    model TEXT NOT NULL,
    source TEXT NOT NULL,
    quality TEXT NOT NULL CHECK (json_valid(quality)),
    vector BLOB NOT NULL,
    created_at TEXT NOT NULL
) STRICT;

CREATE INDEX templates_by_resident ON templates (resident_id);

CREATE TRIGGER templates_added AFTER INSERT ON templates
BEGIN UPDATE gate SET gallery_version = gallery_version + 1; END;

CREATE TRIGGER templates_removed AFTER DELETE ON templates
BEGIN UPDATE gate SET gallery_version = gallery_version + 1; END;

CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    gate_id TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    at TEXT NOT NULL,
    mono REAL NOT NULL,
    details TEXT NOT NULL CHECK (json_valid(details)),
    commitments TEXT NOT NULL CHECK (json_valid(commitments)),
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;

CREATE TABLE audit_personal (
    event_id TEXT NOT NULL REFERENCES audit (id),
    field TEXT NOT NULL,
    resident_id TEXT,
    salt BLOB NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (event_id, field)
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_personal_by_resident ON audit_personal (resident_id);
