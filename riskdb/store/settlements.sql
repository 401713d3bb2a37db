-- name: wait_in_line
-- Is another settlement of this establishment being saved? Wait for it.
SELECT id FROM establishment WHERE id = $1 FOR UPDATE;

-- name: join_whole_sets
-- What follows compares sets with sets. Fresh tables have no statistics, from which PostgreSQL guesses one row and
-- compares each with each: 35 s instead of 0.4 s for 20,000 observations. Ends with the transaction, or by any_join.
SELECT set_config('enable_nestloop', 'off', true);

-- name: any_join
-- The sets are compared.
SELECT set_config('enable_nestloop', 'on', true);

-- name: beliefs
-- What do we believe of each asset, as a digest?
SELECT id, belief FROM asset WHERE establishment_id = $1;

-- name: documents
-- What did we believe of these assets, in words?
SELECT id, document FROM asset WHERE establishment_id = $1 AND id = ANY($2::text[]);

-- name: put_assets
-- What we believe now; rows that say nothing new stay untouched.
INSERT INTO asset AS a
  (establishment_id, id, name, device_type, category, unit_id, status, first_seen_at, last_seen_at, belief, document)
SELECT $1, s.*
FROM unnest(
  $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
  $8::timestamptz[], $9::timestamptz[], $10::bytea[], $11::jsonb[]
) AS s
ON CONFLICT (establishment_id, id) DO UPDATE SET
  name = excluded.name,
  device_type = excluded.device_type,
  category = excluded.category,
  unit_id = excluded.unit_id,
  status = excluded.status,
  first_seen_at = excluded.first_seen_at,
  last_seen_at = excluded.last_seen_at,
  belief = excluded.belief,
  document = excluded.document
WHERE a.document IS DISTINCT FROM excluded.document;

-- name: remove_assets
-- These are no assets of their own any more.
DELETE FROM asset WHERE establishment_id = $1 AND id = ANY($2::text[]);

-- name: put_versions
-- From now on ($5) we say: what we said held until valid_from, and this holds since.
WITH changed AS (
  SELECT * FROM unnest($2::text[], $3::timestamptz[], $4::jsonb[]) AS c (asset_id, valid_from, document)
),
closed AS (
  UPDATE asset_version v
  SET recorded_to = $5
  FROM changed c
  WHERE v.establishment_id = $1 AND v.asset_id = c.asset_id AND v.recorded_to = 'infinity' AND v.valid_to = 'infinity'
  RETURNING v.asset_id, v.valid_from, greatest(c.valid_from, v.valid_from) AS held_until, v.document
),
past AS (
  INSERT INTO asset_version (establishment_id, asset_id, valid_from, valid_to, recorded_from, document)
  SELECT $1, asset_id, valid_from, held_until, $5, document
  FROM closed
  WHERE held_until > valid_from
)
INSERT INTO asset_version (establishment_id, asset_id, valid_from, valid_to, recorded_from, document)
SELECT $1, c.asset_id, coalesce(closed.held_until, c.valid_from), 'infinity', $5, c.document
FROM changed c
LEFT JOIN closed USING (asset_id);

-- name: end_versions
-- From now on ($3) we say: these were so until now, and are not any more.
WITH closed AS (
  UPDATE asset_version v
  SET recorded_to = $3
  WHERE v.establishment_id = $1 AND v.asset_id = ANY($2::text[])
    AND v.recorded_to = 'infinity' AND v.valid_to = 'infinity'
  RETURNING v.asset_id, v.valid_from, v.document
)
INSERT INTO asset_version (establishment_id, asset_id, valid_from, valid_to, recorded_from, document)
SELECT $1, asset_id, valid_from, $3, $3, document
FROM closed
WHERE valid_from < $3;

-- name: put_observations_of_assets
-- Which observations does each asset rest on now? Ends what is no longer so, adds what is new.
WITH settled AS (
  SELECT * FROM unnest($2::text[], $3::text[]) AS s (asset_id, observation_id)
),
ended AS (
  UPDATE asset_observation a
  SET recorded_to = $4
  WHERE a.establishment_id = $1 AND a.recorded_to = 'infinity'
    AND NOT EXISTS (
      SELECT FROM settled s WHERE s.asset_id = a.asset_id AND s.observation_id = a.observation_id
    )
)
INSERT INTO asset_observation (establishment_id, asset_id, observation_id, recorded_from)
SELECT $1, s.asset_id, s.observation_id, $4
FROM settled s
WHERE NOT EXISTS (
  SELECT FROM asset_observation a
  WHERE a.establishment_id = $1 AND a.recorded_to = 'infinity'
    AND a.asset_id = s.asset_id AND a.observation_id = s.observation_id
);

-- name: drop_keys
-- Forget the keys of these assets, to write them anew.
DELETE FROM asset_key WHERE establishment_id = $1 AND asset_id = ANY($2::text[]);

-- name: put_keys
-- Which keys does each of these assets have?
INSERT INTO asset_key (establishment_id, asset_id, kind, value)
SELECT $1, k.* FROM unnest($2::text[], $3::text[], $4::text[]) AS k;

-- name: drop_tokens
-- Forget the words of these assets, to write them anew.
DELETE FROM asset_token WHERE establishment_id = $1 AND asset_id = ANY($2::text[]);

-- name: put_tokens
-- By which words is each of these assets found?
INSERT INTO asset_token (establishment_id, asset_id, token)
SELECT $1, t.* FROM unnest($2::text[], $3::text[]) AS t;

-- name: put_claims
-- What does each observation say the device is? A better card's answer replaces the earlier one.
INSERT INTO claim AS c
  (establishment_id, observation_id, card, card_version, device_type, confidence, document, recorded_at)
SELECT $1, n.*, $8
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::float8[], $7::jsonb[]) AS n
ON CONFLICT (establishment_id, observation_id) DO UPDATE SET
  card = excluded.card,
  card_version = excluded.card_version,
  device_type = excluded.device_type,
  confidence = excluded.confidence,
  document = excluded.document,
  recorded_at = excluded.recorded_at
WHERE c.document IS DISTINCT FROM excluded.document;

-- name: put_merges
-- Which groups of observations are joined, and by what rule? Ends what no longer holds, adds what is new.
WITH settled AS (
  SELECT *
  FROM unnest($2::text[], $3::text[], $4::jsonb[], $5::text[], $6::text[])
    AS s (asset_id, rule, evidence, joined_a, joined_b)
),
ended AS (
  UPDATE merge m
  SET recorded_to = $7
  WHERE m.establishment_id = $1 AND m.recorded_to = 'infinity'
    AND NOT EXISTS (
      SELECT FROM settled s
      WHERE s.asset_id = m.asset_id AND s.rule = m.rule AND s.evidence = m.evidence
        AND s.joined_a = m.joined_a AND s.joined_b = m.joined_b
    )
)
INSERT INTO merge (establishment_id, asset_id, rule, evidence, joined_a, joined_b, recorded_from)
SELECT DISTINCT $1::int, s.asset_id, s.rule, s.evidence, s.joined_a, s.joined_b, $7::timestamptz
FROM settled s
WHERE NOT EXISTS (
  SELECT FROM merge m
  WHERE m.establishment_id = $1 AND m.recorded_to = 'infinity'
    AND s.asset_id = m.asset_id AND s.rule = m.rule AND s.evidence = m.evidence
    AND s.joined_a = m.joined_a AND s.joined_b = m.joined_b
);

-- name: put_demotions
-- Which keys are believed less than their kind? Ends what no longer holds, adds what is new.
WITH settled AS (
  SELECT * FROM unnest($2::text[], $3::text[], $4::text[], $5::int[]) AS s (kind, value, reason, carriers)
),
ended AS (
  UPDATE demotion d
  SET recorded_to = $6
  WHERE d.establishment_id = $1 AND d.recorded_to = 'infinity'
    AND NOT EXISTS (
      SELECT FROM settled s
      WHERE s.kind = d.kind AND s.value = d.value AND s.reason = d.reason AND s.carriers = d.carriers
    )
)
INSERT INTO demotion (establishment_id, kind, value, reason, carriers, recorded_from)
SELECT DISTINCT $1::int, s.kind, s.value, s.reason, s.carriers, $6::timestamptz
FROM settled s
WHERE NOT EXISTS (
  SELECT FROM demotion d
  WHERE d.establishment_id = $1 AND d.recorded_to = 'infinity'
    AND s.kind = d.kind AND s.value = d.value AND s.reason = d.reason AND s.carriers = d.carriers
);

-- name: put_kept_apart
-- Which assets share a key and are still two? Ends what no longer holds, adds what is new.
WITH settled AS (
  SELECT * FROM unnest($2::text[], $3::text[], $4::jsonb[], $5::text[]) AS s (asset_a, asset_b, shared, reason)
),
ended AS (
  UPDATE kept_apart k
  SET recorded_to = $6
  WHERE k.establishment_id = $1 AND k.recorded_to = 'infinity'
    AND NOT EXISTS (
      SELECT FROM settled s
      WHERE s.asset_a = k.asset_a AND s.asset_b = k.asset_b AND s.shared = k.shared AND s.reason = k.reason
    )
)
INSERT INTO kept_apart (establishment_id, asset_a, asset_b, shared, reason, recorded_from)
SELECT DISTINCT $1::int, s.asset_a, s.asset_b, s.shared, s.reason, $6::timestamptz
FROM settled s
WHERE NOT EXISTS (
  SELECT FROM kept_apart k
  WHERE k.establishment_id = $1 AND k.recorded_to = 'infinity'
    AND s.asset_a = k.asset_a AND s.asset_b = k.asset_b AND s.shared = k.shared AND s.reason = k.reason
);

-- name: put_links
-- What hangs where? Ends what no longer holds, adds what is new; the same link seen again names its newest observation.
WITH settled AS (
  SELECT DISTINCT ON (source, target, port) source, target, port, observation_id
  FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) AS s (source, target, port, observation_id)
  ORDER BY source, target, port
),
seen_again AS (
  UPDATE observed_link l
  SET observation_id = s.observation_id
  FROM settled s
  WHERE l.establishment_id = $1 AND l.recorded_to = 'infinity'
    AND s.source = l.source AND s.target = l.target AND s.port = l.port AND s.observation_id <> l.observation_id
),
ended AS (
  UPDATE observed_link l
  SET recorded_to = $6
  WHERE l.establishment_id = $1 AND l.recorded_to = 'infinity'
    AND NOT EXISTS (SELECT FROM settled s WHERE s.source = l.source AND s.target = l.target AND s.port = l.port)
)
INSERT INTO observed_link (establishment_id, source, target, port, observation_id, recorded_from)
SELECT $1, s.source, s.target, s.port, s.observation_id, $6
FROM settled s
WHERE NOT EXISTS (
  SELECT FROM observed_link l
  WHERE l.establishment_id = $1 AND l.recorded_to = 'infinity'
    AND s.source = l.source AND s.target = l.target AND s.port = l.port
);

-- name: known_keys
-- Which keys name one asset, and which asset? A key of several names none.
SELECT kind, value, min(asset_id) AS asset_id
FROM asset_key
WHERE establishment_id = $1
GROUP BY kind, value
HAVING count(*) = 1;

-- name: lock_attribute
-- A person says what a field is.
INSERT INTO attribute_lock (establishment_id, asset_id, field, value, source, set_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (establishment_id, asset_id, field) DO UPDATE
SET value = excluded.value, source = excluded.source, set_at = excluded.set_at;

-- name: unlock_attribute
-- A person lets the sources decide again.
DELETE FROM attribute_lock WHERE establishment_id = $1 AND asset_id = $2 AND field = $3 RETURNING field;

-- name: locked
-- What have people said?
SELECT asset_id, field, value, source, set_at FROM attribute_lock WHERE establishment_id = $1;
