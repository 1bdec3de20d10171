-- Writes that bore an idempotency key: who asked, the hash of what for, and what came of it.
CREATE TABLE requests (
    asker TEXT NOT NULL,
    key TEXT NOT NULL,
    digest TEXT NOT NULL,
    resident_id TEXT REFERENCES residents (id) ON DELETE CASCADE,
    at REAL NOT NULL,
    PRIMARY KEY (asker, key)
) STRICT, WITHOUT ROWID;
