-- Who may administer the gate. Names are told apart without regard to case.
CREATE TABLE users (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE CHECK (length(name) BETWEEN 1 AND 60),
    password TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('owner', 'manager', 'auditor', 'guard')),
    created_at TEXT NOT NULL
) STRICT;

-- A session and a token are known by the hash of what their holder shows.
CREATE TABLE sessions (
    digest TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    began_at REAL NOT NULL,
    used_at REAL NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
    digest TEXT NOT NULL UNIQUE,
    permissions TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at TEXT NOT NULL
) STRICT;

-- The record is searched by these.
CREATE INDEX audit_by_kind ON audit (kind, sequence);

CREATE INDEX audit_by_time ON audit (at);

CREATE INDEX audit_by_reason ON audit (json_extract(details, '$.reason'), sequence)
WHERE json_extract(details, '$.reason') IS NOT NULL;
