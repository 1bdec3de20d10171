-- The claim whose passage a template was learned from; none where it was enrolled.
ALTER TABLE templates ADD COLUMN learned_from TEXT;
