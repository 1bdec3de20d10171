-- The day, UTC, on which a resident's last day was set: whoever moved out is named for some time before they are erased,
-- also where that day was over when it was set. Of last days of before the record says it, as far back as it goes.
ALTER TABLE residents ADD COLUMN valid_until_set_on TEXT;

UPDATE residents SET valid_until_set_on = (
    SELECT substr(max(a.at), 1, 10) FROM audit_personal p JOIN audit a ON a.id = p.event_id
    WHERE p.resident_id = residents.id AND a.kind = 'resident_changed'
        AND json_extract(a.details, '$.valid_until') IS NOT NULL
)
WHERE valid_until IS NOT NULL;
