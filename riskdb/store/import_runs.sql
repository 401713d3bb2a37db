-- name: record
-- Who brought which file, and what became of its rows?
INSERT INTO import_run
  (establishment_id, kind, file_name, file_digest, rows_accepted, rejects, imported_by, imported_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
RETURNING id;

-- name: latest
-- Which files were brought last?
SELECT id, kind, file_name, file_digest, rows_accepted, rejects, imported_by, imported_at
FROM import_run
WHERE establishment_id = $1
ORDER BY id DESC
LIMIT $2;
