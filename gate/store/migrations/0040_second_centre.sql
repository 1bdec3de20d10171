-- At a centre, and at a second one that follows it: where each gate that is a second centre is reached by the others, as
-- 'address:port'.
ALTER TABLE gates ADD COLUMN second_at TEXT;

-- Where this machine itself is reached, where it is a second centre or was one; and at a former centre, which later epoch
-- another one leads. `had` is all of the register that a centre had when it was promoted (JSON): who had just that has
-- nothing to give back.
ALTER TABLE compound ADD COLUMN second_at TEXT;
ALTER TABLE compound ADD COLUMN superseded INTEGER;
ALTER TABLE compound ADD COLUMN had TEXT;

-- At a gate: where a centre is to be looked for, in this order, as the one that leads said it.
CREATE TABLE centre_places (
    number INTEGER PRIMARY KEY,
    place TEXT NOT NULL UNIQUE
) STRICT;
