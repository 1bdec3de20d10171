-- At a centre: where a gate stands on the map of its page, in rows and columns. Who is not here is placed by the page.
CREATE TABLE gate_places (
    gate_id TEXT PRIMARY KEY,
    place_row INTEGER NOT NULL CHECK (place_row BETWEEN 1 AND 12),
    place_column INTEGER NOT NULL CHECK (place_column BETWEEN 1 AND 4),
    UNIQUE (place_row, place_column)
) STRICT, WITHOUT ROWID;
