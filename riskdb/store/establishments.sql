-- name: create
-- A new hospital.
INSERT INTO establishment (name, beds, created_at) VALUES ($1, $2, now()) RETURNING id, name, beds;

-- name: get
-- Which hospital is this?
SELECT id, name, beds FROM establishment WHERE id = $1;

-- name: by_name
-- Which hospital goes by this name?
SELECT id, name, beds FROM establishment WHERE name = $1;

-- name: list_all
-- Which hospitals are there?
SELECT id, name, beds FROM establishment ORDER BY id;
