-- Who went in or out last, as far as a contact saw it: for the rule against passing a credential back. Whoever is not
-- here is not known to be anywhere.
CREATE TABLE whereabouts (
    resident_id TEXT PRIMARY KEY REFERENCES residents (id) ON DELETE CASCADE,
    way TEXT NOT NULL CHECK (way IN ('in', 'out')),
    at TEXT NOT NULL
) STRICT;
