-- What people declare: where things stand, what hangs on what, and what an agent may do.

CREATE TABLE unit (
  establishment_id int NOT NULL REFERENCES establishment,
  id text COLLATE "C" NOT NULL,
  name text NOT NULL,
  unit_type text NOT NULL,
  beds int NOT NULL CHECK (beds >= 0),
  PRIMARY KEY (establishment_id, id)
);

-- Rooms and ports may name a unit that no list has yet: that is a question to people, not an error of the database.
CREATE TABLE room (
  establishment_id int NOT NULL REFERENCES establishment,
  id text COLLATE "C" NOT NULL,
  name text NOT NULL,
  unit_id text NOT NULL,
  PRIMARY KEY (establishment_id, id)
);

CREATE TABLE switch_port (
  establishment_id int NOT NULL REFERENCES establishment,
  switch text COLLATE "C" NOT NULL,
  port text COLLATE "C" NOT NULL,
  room_id text,
  unit_id text,
  PRIMARY KEY (establishment_id, switch, port)
);

CREATE TABLE declared_link (
  establishment_id int NOT NULL REFERENCES establishment,
  source text COLLATE "C" NOT NULL,
  kind text NOT NULL,
  target text COLLATE "C" NOT NULL,
  minutes int NOT NULL CHECK (minutes >= 0),
  one_enough_group text,
  declared_by text NOT NULL,
  PRIMARY KEY (establishment_id, source, kind, target)
);

-- The policy part of a plan, as the service writes it: its secrets are sealed before they come here.
CREATE TABLE policy (
  establishment_id int NOT NULL REFERENCES establishment,
  version int NOT NULL,
  document bytea NOT NULL,
  saved_by text NOT NULL,
  saved_at timestamptz NOT NULL,
  PRIMARY KEY (establishment_id, version)
);

CREATE TABLE import_run (
  establishment_id int NOT NULL REFERENCES establishment,
  id bigint GENERATED ALWAYS AS IDENTITY,
  kind text NOT NULL,
  file_name text NOT NULL,
  file_digest text NOT NULL,
  rows_accepted int NOT NULL,
  rejects jsonb NOT NULL,
  imported_by text NOT NULL,
  imported_at timestamptz NOT NULL,
  PRIMARY KEY (establishment_id, id)
);

SELECT guard_by_establishment('unit', 'room', 'switch_port', 'declared_link', 'policy', 'import_run');
SELECT grant_to_service('SELECT, INSERT, DELETE', 'unit', 'room', 'switch_port', 'declared_link');
SELECT grant_to_service('SELECT, INSERT', 'policy', 'import_run');
