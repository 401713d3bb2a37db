-- name: drop_units
-- Forget the units, to write the new list.
DELETE FROM unit WHERE establishment_id = $1;

-- name: put_units
-- Which units does the list name?
INSERT INTO unit (establishment_id, id, name, unit_type, beds)
SELECT $1, u.* FROM unnest($2::text[], $3::text[], $4::text[], $5::int[]) AS u;

-- name: units
-- Which units are there?
SELECT id, name, unit_type, beds FROM unit WHERE establishment_id = $1 ORDER BY id;

-- name: drop_rooms
-- Forget the rooms, to write the new list.
DELETE FROM room WHERE establishment_id = $1;

-- name: put_rooms
-- Which rooms does the list name?
INSERT INTO room (establishment_id, id, name, unit_id)
SELECT $1, r.* FROM unnest($2::text[], $3::text[], $4::text[]) AS r;

-- name: rooms
-- Which rooms are there?
SELECT id, name, unit_id FROM room WHERE establishment_id = $1 ORDER BY id;

-- name: drop_ports
-- Forget the switch ports, to write the new list.
DELETE FROM switch_port WHERE establishment_id = $1;

-- name: put_ports
-- Which switch ports does the list name?
INSERT INTO switch_port (establishment_id, switch, port, room_id, unit_id)
SELECT $1, p.* FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) AS p;

-- name: ports
-- Which switch ports are known, and what is behind them?
SELECT switch, port, room_id, unit_id FROM switch_port WHERE establishment_id = $1 ORDER BY switch, port;

-- name: drop_links
-- Forget the declared links, to write the new list.
DELETE FROM declared_link WHERE establishment_id = $1;

-- name: put_links
-- Which links does the list declare?
INSERT INTO declared_link (establishment_id, source, kind, target, minutes, one_enough_group, declared_by)
SELECT $1, l.* FROM unnest($2::text[], $3::text[], $4::text[], $5::int[], $6::text[], $7::text[]) AS l;

-- name: links
-- What do people say hangs on what?
SELECT source, kind, target, minutes, one_enough_group, declared_by
FROM declared_link
WHERE establishment_id = $1
ORDER BY source, kind, target;
