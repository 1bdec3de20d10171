-- The last day on which the gate let somebody in: it outlasts the lines of the record that say so.
ALTER TABLE residents ADD COLUMN last_used_on TEXT;

-- The newest line of the record that was pruned, and its hash: the chain goes on from there.
CREATE TABLE audit_base (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    sequence INTEGER NOT NULL,
    hash TEXT NOT NULL
) STRICT;

INSERT INTO audit_base (only_row, sequence, hash)
VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');
