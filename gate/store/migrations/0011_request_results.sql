-- What came of a write, as it was answered; of one that made a resident, their id.
ALTER TABLE requests ADD COLUMN result TEXT;

UPDATE requests SET result = resident_id;
