-- From where each user got in last: others wait longer when somebody guesses at their password.
CREATE TABLE known_networks (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    network TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (user_id, network)
) STRICT, WITHOUT ROWID;
