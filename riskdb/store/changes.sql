-- name: take_numbers
-- Which numbers do the next $2 changes get? The row's lock puts writers in line until each has committed.
UPDATE establishment SET last_change = last_change + $2 WHERE id = $1 RETURNING last_change - $2 + 1;

-- name: append
-- What happened, in order.
INSERT INTO change (establishment_id, sequence, at, kind, subject, detail)
SELECT $1, $2 + c.position - 1, $3, c.kind, c.subject, c.detail
FROM unnest($4::text[], $5::text[], $6::jsonb[]) WITH ORDINALITY AS c (kind, subject, detail, position);

-- name: after
-- What happened since $2?
SELECT sequence, at, kind, subject, detail
FROM change
WHERE establishment_id = $1 AND sequence > $2
ORDER BY sequence
LIMIT $3;
