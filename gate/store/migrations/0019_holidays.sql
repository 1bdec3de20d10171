-- Days on which a schedule (NULL: every one) keeps other hours (NULL: it opens never). Days are YYYY-MM-DD.
CREATE TABLE holidays (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
    first_day TEXT NOT NULL,
    last_day TEXT NOT NULL CHECK (last_day >= first_day),
    schedule_id TEXT REFERENCES schedules (id) ON DELETE CASCADE,
    windows TEXT
) STRICT;
