-- What came of a change of many residents was once kept as an address that had in it what was searched for: a name, which
-- outlasted whoever was erased. How many they were is all that is told of it.
UPDATE requests SET result = 'changed-' || CAST(substr(result, length('/residents/together?done=') + 1) AS INTEGER)
WHERE result LIKE '/residents/together?done=%';
