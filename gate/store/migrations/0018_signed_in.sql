-- A password that somebody else gave: whose it is changes it before anything else.
ALTER TABLE users ADD COLUMN provisional INTEGER NOT NULL DEFAULT 0 CHECK (provisional IN (0, 1));

-- When the password was given last in this session, and from where it was used last.
ALTER TABLE sessions ADD COLUMN confirmed_at REAL NOT NULL DEFAULT 0;

ALTER TABLE sessions ADD COLUMN address TEXT NOT NULL DEFAULT '';

ALTER TABLE tokens ADD COLUMN used_at REAL;

ALTER TABLE tokens ADD COLUMN used_from TEXT NOT NULL DEFAULT '';
