-- A webhook that waits for "pulse" waits for what the record has always called "relay_pulse".
UPDATE webhooks SET kinds = trim(replace(' ' || kinds || ' ', ' pulse ', ' relay_pulse '))
WHERE ' ' || kinds || ' ' LIKE '% pulse %';
