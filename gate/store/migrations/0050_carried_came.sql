-- At a centre: when a line of a gate came here by this machine's clock (ISO 8601, UTC), whatever the gate's own said; NULL of
-- those of before. Of alarms that is asked at each look at the page of gates.
ALTER TABLE carried_lines ADD COLUMN came_at TEXT;
CREATE INDEX carried_duress_by_coming ON carried_lines (came_at) WHERE kind = 'duress';
