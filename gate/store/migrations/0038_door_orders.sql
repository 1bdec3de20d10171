-- At a centre: orders to the doors of its gates, numbered as they were given, and what came of each at each gate (NULL:
-- it has not answered).
CREATE TABLE door_orders (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    what TEXT NOT NULL CHECK (what IN ('open', 'lockdown', 'release')),
    by TEXT NOT NULL,
    name TEXT NOT NULL,
    given_at TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    given_mono REAL NOT NULL
) STRICT;

CREATE TABLE door_order_gates (
    number INTEGER NOT NULL REFERENCES door_orders (number) ON DELETE CASCADE,
    gate_id TEXT NOT NULL,
    outcome TEXT,
    PRIMARY KEY (number, gate_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX door_order_gates_open ON door_order_gates (gate_id) WHERE outcome IS NULL;

-- At a gate: what its centre orders of its door. `taken_mono` is when the centre was asked for it last, `told` whether
-- the centre knows what came of it.
CREATE TABLE centre_orders (
    id TEXT PRIMARY KEY,
    what TEXT NOT NULL CHECK (what IN ('open', 'lockdown', 'release')),
    by TEXT NOT NULL,
    name TEXT NOT NULL,
    given_at TEXT NOT NULL,
    waited INTEGER NOT NULL CHECK (waited IN (0, 1)),
    boot_id TEXT NOT NULL,
    taken_mono REAL NOT NULL,
    outcome TEXT,
    told INTEGER NOT NULL DEFAULT 0 CHECK (told IN (0, 1))
) STRICT, WITHOUT ROWID;
