-- name: try_lock
-- Is nobody else migrating this database? Polled: waiting inside would deadlock with CREATE INDEX CONCURRENTLY.
SELECT pg_try_advisory_lock($1);

-- name: create_history
-- Where is it written which migrations ran?
CREATE TABLE IF NOT EXISTS migration (
  name text PRIMARY KEY,
  checksum text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
);

-- name: has_history
-- Was this database ever migrated?
SELECT to_regclass('public.migration') IS NOT NULL;

-- name: applied
-- Which migrations ran, and what did they say?
SELECT name, checksum FROM migration;

-- name: record
-- Remember that this file ran, in the transaction that ran it.
INSERT INTO migration (name, checksum) VALUES ($1, $2);

-- name: role_exists
-- Is there a role of this name to grant to?
SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1);

-- name: name_service_role
-- Whom do the migrations of this session grant to? They read it through grant_to_service().
SELECT set_config('wardgraph.service_role', $1, false);
