-- name: save_run
-- A ranking was computed from this graph.
INSERT INTO ranking_run (
  establishment_id, horizon, pack_version, started_at, finished_at, observed_until, unreviewed_numbers,
  questions, confidentiality, graph, sources
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
RETURNING id;

-- name: save_rows
-- Its rows, each with its reason.
INSERT INTO ranked_node (establishment_id, run_id, rank, node_id, document)
SELECT $1, $2, r.* FROM unnest($3::int[], $4::text[], $5::jsonb[]) AS r;

-- name: latest
-- Which ranking is the newest?
SELECT id, horizon, pack_version, started_at, finished_at, observed_until, unreviewed_numbers, confidentiality
FROM ranking_run
WHERE establishment_id = $1
ORDER BY id DESC
LIMIT 1;

-- name: recent
-- Which rankings were computed last?
SELECT id, horizon, pack_version, started_at, finished_at, observed_until, unreviewed_numbers, confidentiality
FROM ranking_run
WHERE establishment_id = $1
ORDER BY id DESC
LIMIT $2;

-- name: get
-- What is known of this run?
SELECT id, horizon, pack_version, started_at, finished_at, observed_until, unreviewed_numbers, confidentiality
FROM ranking_run
WHERE establishment_id = $1 AND id = $2;

-- name: rows
-- The rows of a run behind rank $3.
SELECT document FROM ranked_node WHERE establishment_id = $1 AND run_id = $2 AND rank > $3 ORDER BY rank LIMIT $4;

-- name: row_of
-- Which rank did this node have?
SELECT document FROM ranked_node WHERE establishment_id = $1 AND run_id = $2 AND node_id = $3;

-- name: graph
-- From which graph was it computed?
SELECT graph FROM ranking_run WHERE establishment_id = $1 AND id = $2;

-- name: built
-- Why is each edge in that graph, and what was not known?
SELECT sources, questions FROM ranking_run WHERE establishment_id = $1 AND id = $2;
