-- Which way each resident passed last at each gate of the compound, where the rule against passing a credential back is
-- to know of the others. `way` NULL: that gate does not know any more. `number` is this machine's own, and grows with
-- whatever is noted or told here; at a gate what other gates saw has none.
CREATE TABLE last_passages (
    resident_id TEXT NOT NULL REFERENCES residents (id) ON DELETE CASCADE,
    gate_id TEXT NOT NULL,
    gate_name TEXT,
    way TEXT CHECK (way IN ('in', 'out')),
    at TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (resident_id, gate_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX last_passages_by_number ON last_passages (number);
-- The newest number here; and at a gate up to which of its own the centre was told, and up to which of the centre's it
-- heard, in which epoch.
CREATE TABLE last_passages_shared (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    number INTEGER NOT NULL DEFAULT 0,
    epoch INTEGER NOT NULL DEFAULT 0,
    told INTEGER NOT NULL DEFAULT 0,
    heard INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO last_passages_shared (only_row) VALUES (1);
