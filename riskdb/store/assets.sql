-- name: get
-- What is this asset, as far as we know now?
SELECT a.document, ARRAY(
  SELECT o.observation_id
  FROM asset_observation o
  WHERE o.establishment_id = $1 AND o.asset_id = $2 AND o.recorded_to = 'infinity'
  ORDER BY o.observation_id
) AS observations
FROM asset a
WHERE a.establishment_id = $1 AND a.id = $2;

-- name: get_as_of
-- What did we know at $3 of what this asset was then?
SELECT v.document, o.observations, o.last_seen_at
FROM asset_version v
CROSS JOIN LATERAL (
  SELECT coalesce(array_agg(a.observation_id ORDER BY a.observation_id), '{}') AS observations, max(s.seen_at) AS last_seen_at
  FROM asset_observation a
  LEFT JOIN observation s ON s.establishment_id = $1 AND s.id = a.observation_id
  WHERE a.establishment_id = $1 AND a.asset_id = $2 AND a.recorded_from <= $3 AND a.recorded_to > $3
) o
WHERE v.establishment_id = $1 AND v.asset_id = $2
  AND v.recorded_from <= $3 AND v.recorded_to > $3
  AND v.valid_from <= $3 AND v.valid_to > $3;

-- name: history
-- What have we said of this asset, and when? The newest statement first.
SELECT valid_from, nullif(valid_to, 'infinity') AS valid_to,
  recorded_from, nullif(recorded_to, 'infinity') AS recorded_to, document
FROM asset_version
WHERE establishment_id = $1 AND asset_id = $2
ORDER BY revision DESC
LIMIT $3;

-- name: all_current
-- What is there?
SELECT a.document, coalesce(o.observations, '{}') AS observations
FROM asset a
LEFT JOIN (
  SELECT asset_id, array_agg(observation_id ORDER BY observation_id) AS observations
  FROM asset_observation
  WHERE establishment_id = $1 AND recorded_to = 'infinity'
  GROUP BY asset_id
) o ON o.asset_id = a.id
WHERE a.establishment_id = $1
ORDER BY a.id;

-- name: page
-- Which assets answer the filters, in order, after the one whose key and id are $8 and $9?
WITH wanted AS (
  SELECT a.id, a.document,
    (CASE $2
      WHEN 'name' THEN coalesce(lower(a.name), chr(1114111))
      WHEN 'device_type' THEN coalesce(a.device_type, chr(1114111))
      WHEN 'unit' THEN coalesce(a.unit_id, chr(1114111))
      WHEN 'last_seen' THEN lpad((99999999999 - extract(epoch FROM a.last_seen_at)::bigint)::text, 11, '0')
      ELSE ''
    END) COLLATE "C" AS sort_key
  FROM asset a
  WHERE a.establishment_id = $1
    AND ($3::text IS NULL OR a.device_type = $3)
    AND ($4::text IS NULL OR a.category = $4)
    AND ($5::text IS NULL OR a.unit_id = $5)
    AND ($6::timestamptz IS NULL OR a.first_seen_at >= $6)
    AND ($7::text[] IS NULL OR a.id = ANY($7))
)
SELECT w.id, w.document, w.sort_key, ARRAY(
  SELECT o.observation_id
  FROM asset_observation o
  WHERE o.establishment_id = $1 AND o.asset_id = w.id AND o.recorded_to = 'infinity'
  ORDER BY o.observation_id
) AS observations
FROM wanted w
WHERE $8::text IS NULL OR (w.sort_key, w.id) > ($8 COLLATE "C", $9 COLLATE "C")
ORDER BY w.sort_key, w.id
LIMIT $10;

-- name: found_by
-- Which assets have a word that begins like this? $3 is the first text that no longer does.
SELECT DISTINCT asset_id FROM asset_token WHERE establishment_id = $1 AND token >= $2 AND token < $3;

-- name: total
-- How many assets are there?
SELECT count(*) FROM asset WHERE establishment_id = $1;

-- name: count_by_type
-- How many of each device type? The unknown are counted under none.
SELECT device_type, count(*) AS number
FROM asset
WHERE establishment_id = $1
GROUP BY device_type
ORDER BY number DESC, device_type;

-- name: merges
-- Which of our observations did we join, and why? Of one asset, if it is named.
SELECT asset_id, rule, evidence, joined_a, joined_b
FROM merge
WHERE establishment_id = $1 AND recorded_to = 'infinity' AND ($2::text IS NULL OR asset_id = $2)
ORDER BY revision;

-- name: demotions
-- Which keys do we believe less than their kind? Those of one asset, if it is named.
SELECT kind, value, reason, carriers
FROM demotion
WHERE establishment_id = $1 AND recorded_to = 'infinity' AND (
  $2::text IS NULL
  OR (kind, value) IN (SELECT k.kind, k.value FROM asset_key k WHERE k.establishment_id = $1 AND k.asset_id = $2)
)
ORDER BY kind, value;

-- name: kept_apart
-- Which assets share a key and are still two? Of one asset, if it is named.
SELECT asset_a, asset_b, shared, reason
FROM kept_apart
WHERE establishment_id = $1 AND recorded_to = 'infinity' AND ($2::text IS NULL OR $2 IN (asset_a, asset_b))
ORDER BY asset_a, asset_b;

-- name: links
-- What hangs on which switch port? Of one asset, if it is named.
SELECT source, target, port, observation_id
FROM observed_link
WHERE establishment_id = $1 AND recorded_to = 'infinity' AND ($2::text IS NULL OR $2 IN (source, target))
ORDER BY source, target, port;

-- name: claims
-- What does each of these observations say the device is?
SELECT document FROM claim WHERE establishment_id = $1 AND observation_id = ANY($2::text[]);

-- name: count_unknown
-- How many observations did no card know?
SELECT count(*) FROM claim WHERE establishment_id = $1 AND card IS NULL;
