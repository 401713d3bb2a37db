-- name: freshness
-- When did we last hear or read anything, and how far does the newest ranking know?
SELECT
  greatest(
    (SELECT max(received_at) FROM batch WHERE establishment_id = $1),
    (SELECT max(imported_at) FROM import_run WHERE establishment_id = $1)
  ) AS heard_at,
  (SELECT started_at FROM ranking_run WHERE establishment_id = $1 ORDER BY id DESC LIMIT 1) AS ranked_at;
