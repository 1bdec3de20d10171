-- Where lines of the record are sent: the record itself is the outbox, and `cursor` the last line that arrived.
CREATE TABLE webhooks (
    id TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    secret TEXT NOT NULL,
    kinds TEXT NOT NULL,
    created_at TEXT NOT NULL,
    cursor INTEGER NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,
    next_at REAL NOT NULL DEFAULT 0,
    problem TEXT,
    delivered_at TEXT
) STRICT;
