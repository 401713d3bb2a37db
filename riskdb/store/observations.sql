-- name: ensure_month
-- Is there a partition for this month? Made if it is missing.
SELECT ensure_observation_month($1);

-- name: begin_batch
-- Is this batch new? A second sender of the same one waits here for the first, and then gets no row.
INSERT INTO batch (establishment_id, id, agent_id, received_at, accepted, duplicates, rejected)
VALUES ($1, $2, $3, $4, 0, 0, $5)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: end_batch
-- What became of the rows of this batch?
UPDATE batch SET accepted = $3, duplicates = $4 WHERE establishment_id = $1 AND id = $2;

-- name: seen_batch
-- What did we answer when this batch came first?
SELECT accepted, duplicates FROM batch WHERE establishment_id = $1 AND id = $2;

-- name: add
-- Which of these statements are new? The same one twice has the same id and counts once.
WITH added AS (
  INSERT INTO observation
    (establishment_id, batch_id, received_at, agent_id, id, seen_at, address, mac, protocol, facts)
  SELECT $1, $2, $3, $4, o.*
  FROM unnest($5::text[], $6::timestamptz[], $7::text[], $8::text[], $9::text[], $10::jsonb[]) AS o
  ON CONFLICT DO NOTHING
  RETURNING 1
)
SELECT count(*) FROM added;

-- name: load
-- What has been stated, as far as we had received it by $2? By one protocol, if it is named.
SELECT id, agent_id, seen_at, address, mac, protocol, facts
FROM observation
WHERE establishment_id = $1
  AND ($2::timestamptz IS NULL OR received_at <= $2)
  AND ($3::text IS NULL OR protocol = $3)
ORDER BY seen_at, id;

-- name: of_asset
-- On what does this asset rest? The newest statements first, from the one behind $3 if it is named.
SELECT o.id, o.agent_id, o.seen_at, o.address, o.mac, o.protocol, o.facts
FROM asset_observation a
JOIN observation o ON o.establishment_id = $1 AND o.id = a.observation_id
WHERE a.establishment_id = $1 AND a.asset_id = $2 AND a.recorded_to = 'infinity'
  AND (
    $3::text IS NULL
    OR (o.seen_at, o.id) < (SELECT s.seen_at, s.id FROM observation s WHERE s.establishment_id = $1 AND s.id = $3)
  )
ORDER BY o.seen_at DESC, o.id DESC
LIMIT $4;

-- name: newest
-- How old is what we know? None if nothing was ever stated.
SELECT max(seen_at) FROM observation WHERE establishment_id = $1;

-- name: total
-- How many statements are kept?
SELECT count(*) FROM observation WHERE establishment_id = $1;
