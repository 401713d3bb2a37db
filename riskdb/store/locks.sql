-- name: try_run_lock
-- May we be the only ones to recompute this establishment? The first number keeps clear of other advisory locks.
SELECT pg_try_advisory_lock(7238, $1);

-- name: release_run_lock
-- We are done.
SELECT pg_advisory_unlock(7238, $1);
