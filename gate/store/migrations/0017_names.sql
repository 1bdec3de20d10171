-- Names and homes as they are kept from now on: composed, and with every kind of blank one space. `normalised` is
-- gate.names.normalised. Where two groups or schedules would then have one name, both keep theirs.
UPDATE residents SET name = normalised(name) WHERE name <> normalised(name) AND normalised(name) <> '';
UPDATE residents SET unit = nullif(normalised(unit), '') WHERE unit <> normalised(unit);
UPDATE OR IGNORE groups SET name = normalised(name) WHERE name <> normalised(name) AND normalised(name) <> '';
UPDATE OR IGNORE schedules SET name = normalised(name) WHERE name <> normalised(name) AND normalised(name) <> '';

-- A name is looked up without joiners (zero-width, U+200C and U+200D): people type it with and without them.
CREATE INDEX residents_by_key ON residents (replace(replace(name, char(8204), ''), char(8205), ''));
