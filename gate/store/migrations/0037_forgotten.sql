-- At a gate: what it took away by the centre's word, each with the line of its record that says so, until the centre
-- knows. At a centre: the same, as each gate said it.
CREATE TABLE forgotten_here (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    hash TEXT NOT NULL
) STRICT;

CREATE TABLE forgotten_at (
    id TEXT NOT NULL,
    gate_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    hash TEXT NOT NULL,
    said_at TEXT NOT NULL,
    PRIMARY KEY (id, gate_id)
) STRICT, WITHOUT ROWID;
