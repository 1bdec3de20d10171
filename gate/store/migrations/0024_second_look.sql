-- What a second, stronger model made of the same face: looked at where the first one does not let somebody in. Templates of
-- before have none, and go on by the first alone.
ALTER TABLE templates ADD COLUMN second_model TEXT;
ALTER TABLE templates ADD COLUMN second_vector BLOB CHECK ((second_vector IS NULL) = (second_model IS NULL));

-- Each template's numbers, by whichever of the two models.
CREATE VIEW looks AS
SELECT resident_id, model, vector, learned_from, rowid AS place FROM templates
UNION ALL
SELECT resident_id, second_model, second_vector, learned_from, rowid FROM templates WHERE second_model IS NOT NULL;
