-- The approach zone as drawn in the console: left, top, right and bottom as fractions of the picture; NULL: as the
-- settings say.
ALTER TABLE gate ADD COLUMN zone TEXT CHECK (zone IS NULL OR json_valid(zone));
