-- Which of a gate's records a line is of: 0 is the first, and one more each time that the record was put back, or the
-- gate joined with another. Each is a chain of its own.
CREATE TABLE carried_lines_by_chain (
    gate_id TEXT NOT NULL,
    chain INTEGER NOT NULL,
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
    PRIMARY KEY (gate_id, chain, sequence)
) STRICT, WITHOUT ROWID;
INSERT INTO carried_lines_by_chain
    SELECT gate_id, 0, sequence, id, boot_id, kind, at, mono, clock_trusted, details, commitments, previous, hash
    FROM carried_lines;

CREATE TABLE carried_personal_by_chain (
    gate_id TEXT NOT NULL,
    chain INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    field TEXT NOT NULL,
    resident_id TEXT NOT NULL,
    salt BLOB NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (gate_id, chain, sequence, field),
    FOREIGN KEY (gate_id, chain, sequence) REFERENCES carried_lines_by_chain (gate_id, chain, sequence)
        ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
INSERT INTO carried_personal_by_chain
    SELECT gate_id, 0, sequence, field, resident_id, salt, value FROM carried_personal;

DROP TABLE carried_personal;
DROP TABLE carried_lines;
ALTER TABLE carried_lines_by_chain RENAME TO carried_lines;
ALTER TABLE carried_personal_by_chain RENAME TO carried_personal;
CREATE INDEX carried_lines_by_time ON carried_lines (at);
CREATE INDEX carried_personal_by_resident ON carried_personal (resident_id);
