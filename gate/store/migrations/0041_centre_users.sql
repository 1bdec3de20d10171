-- At a gate: what those are called who looked through its camera from its centre, by how the record names them.
CREATE TABLE centre_users (
    by TEXT PRIMARY KEY,
    name TEXT NOT NULL
) STRICT, WITHOUT ROWID;
