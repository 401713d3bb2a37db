-- name: save
-- A new version of what agents may do here; the old ones stay, for "who allowed this?".
INSERT INTO policy (establishment_id, version, document, saved_by, saved_at)
SELECT $1, coalesce(max(p.version), 0) + 1, $2, $3, $4
FROM policy p
WHERE p.establishment_id = $1
RETURNING version;

-- name: load
-- What may agents do here now?
SELECT version, document, saved_by, saved_at
FROM policy
WHERE establishment_id = $1
ORDER BY version DESC
LIMIT 1;
