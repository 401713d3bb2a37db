-- name: set_scope
-- Whose rows may this transaction see? Row-level security reads the setting; it ends with the transaction.
SELECT set_config('wardgraph.establishment', $1, true);

-- name: power_of_role
-- May this role go round row-level security? Superusers and BYPASSRLS may, and owners could switch it off.
SELECT
  r.rolname AS role,
  r.rolsuper AS superuser,
  r.rolbypassrls AS bypasses,
  EXISTS (SELECT FROM pg_database d WHERE d.datname = current_database() AND pg_has_role(r.oid, d.datdba, 'MEMBER'))
  OR EXISTS (
    SELECT FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND pg_has_role(r.oid, c.relowner, 'MEMBER')
  ) AS owner
FROM pg_roles r
WHERE r.rolname = current_user;
