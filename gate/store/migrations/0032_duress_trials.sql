-- Until when a PIN under duress is tried out, and is no alarm: ISO 8601, UTC.
CREATE TABLE duress_trials (
    resident_id TEXT PRIMARY KEY REFERENCES residents (id) ON DELETE CASCADE,
    until TEXT NOT NULL
) STRICT;
