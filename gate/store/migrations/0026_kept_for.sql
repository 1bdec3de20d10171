-- For how many days people are kept after their last day (moved_out) and faces that nobody uses (unused), and the day,
-- in the gate's zone, since which so long: a shorter time erases nobody who was not named for some time before.
CREATE TABLE kept_for (
    id INTEGER PRIMARY KEY,
    what TEXT NOT NULL CHECK (what IN ('moved_out', 'unused')),
    days INTEGER NOT NULL CHECK (typeof(days) = 'integer' AND days BETWEEN 1 AND 3650),
    since TEXT NOT NULL CHECK (date(since) IS since AND since BETWEEN '2000-01-01' AND '8999-12-31')
);
