-- At a centre: how many lines of its record a gate may tell still (gate/store/compound/allowance.py), and when that was
-- reckoned (ISO 8601, UTC).
CREATE TABLE carried_allowances (
    gate_id TEXT PRIMARY KEY,
    left_over REAL NOT NULL,
    reckoned_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
