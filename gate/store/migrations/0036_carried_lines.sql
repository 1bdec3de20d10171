-- At a centre: lines of the records of its gates, each gate's chain as it came. Names stand beside them, so that they can
-- be erased; those of visitors, and of people of one gate alone, stay there.
CREATE TABLE carried_lines (
    gate_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    id TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    at TEXT NOT NULL,
    mono REAL NOT NULL,
    clock_trusted INTEGER,
    details TEXT NOT NULL CHECK (json_valid(details)),
    commitments TEXT NOT NULL CHECK (json_valid(commitments)),
    previous TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (gate_id, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX carried_lines_by_time ON carried_lines (at);

CREATE TABLE carried_personal (
    gate_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    field TEXT NOT NULL,
    resident_id TEXT NOT NULL,
    salt BLOB NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (gate_id, sequence, field),
    FOREIGN KEY (gate_id, sequence) REFERENCES carried_lines (gate_id, sequence) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX carried_personal_by_resident ON carried_personal (resident_id);
