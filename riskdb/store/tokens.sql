-- name: create
-- Remember a token by its digest.
INSERT INTO access_token (id, digest, establishment_id, name, role, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: find
-- Whose valid token has this digest?
SELECT id, establishment_id, name, role, created_at, expires_at, revoked_at
FROM access_token
WHERE digest = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2);

-- name: revoke
-- From now on this token opens nothing.
UPDATE access_token SET revoked_at = $3
WHERE id = $1 AND establishment_id = $2 AND revoked_at IS NULL
RETURNING id;

-- name: list_all
-- Which tokens does this establishment have, revoked ones included?
SELECT id, establishment_id, name, role, created_at, expires_at, revoked_at
FROM access_token
WHERE establishment_id = $1
ORDER BY created_at, id;
