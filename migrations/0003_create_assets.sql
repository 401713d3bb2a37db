-- What the observations add up to. All of it can be computed again; what people decided stands in attribute_lock.

-- What we believe now, refreshed at every settlement: the columns are for finding, the document is the asset.
CREATE TABLE asset (
  establishment_id int NOT NULL REFERENCES establishment,
  id text COLLATE "C" NOT NULL,
  name text COLLATE "C",
  device_type text COLLATE "C",
  category text,
  unit_id text COLLATE "C",
  status text,
  first_seen_at timestamptz NOT NULL,
  last_seen_at timestamptz NOT NULL,
  belief bytea NOT NULL, -- digest of values, keys and conflicts, without the times they were last seen
  document jsonb NOT NULL,
  PRIMARY KEY (establishment_id, id)
);

-- What we believed, and when: a row says that from valid_from to valid_to the asset was so,
-- and that we said so from recorded_from to recorded_to. Rows are closed, never deleted.
CREATE TABLE asset_version (
  establishment_id int NOT NULL REFERENCES establishment,
  asset_id text COLLATE "C" NOT NULL,
  revision bigint GENERATED ALWAYS AS IDENTITY,
  valid_from timestamptz NOT NULL,
  valid_to timestamptz NOT NULL,
  recorded_from timestamptz NOT NULL,
  recorded_to timestamptz NOT NULL DEFAULT 'infinity',
  document jsonb NOT NULL,
  PRIMARY KEY (establishment_id, asset_id, revision)
);

-- Which observations an asset rests on, and since when we think so.
CREATE TABLE asset_observation (
  establishment_id int NOT NULL REFERENCES establishment,
  asset_id text COLLATE "C" NOT NULL,
  observation_id text COLLATE "C" NOT NULL,
  revision bigint GENERATED ALWAYS AS IDENTITY,
  recorded_from timestamptz NOT NULL,
  recorded_to timestamptz NOT NULL DEFAULT 'infinity',
  PRIMARY KEY (establishment_id, asset_id, observation_id, revision)
);

CREATE TABLE asset_key (
  establishment_id int NOT NULL REFERENCES establishment,
  kind text NOT NULL,
  value text COLLATE "C" NOT NULL,
  asset_id text COLLATE "C" NOT NULL,
  PRIMARY KEY (establishment_id, kind, value, asset_id)
);
CREATE INDEX asset_key_of_asset ON asset_key (establishment_id, asset_id);

-- Text search: under row-level security only =, < and >= keep their index, so words are rows.
CREATE TABLE asset_token (
  establishment_id int NOT NULL REFERENCES establishment,
  token text COLLATE "C" NOT NULL,
  asset_id text COLLATE "C" NOT NULL,
  PRIMARY KEY (establishment_id, token, asset_id)
);
CREATE INDEX asset_token_of_asset ON asset_token (establishment_id, asset_id);

CREATE TABLE merge (
  establishment_id int NOT NULL REFERENCES establishment,
  revision bigint GENERATED ALWAYS AS IDENTITY,
  asset_id text COLLATE "C" NOT NULL,
  rule text NOT NULL,
  evidence jsonb NOT NULL,
  joined_a text NOT NULL,
  joined_b text NOT NULL,
  recorded_from timestamptz NOT NULL,
  recorded_to timestamptz NOT NULL DEFAULT 'infinity',
  PRIMARY KEY (establishment_id, revision)
);
CREATE INDEX merge_of_asset ON merge (establishment_id, asset_id);

CREATE TABLE demotion (
  establishment_id int NOT NULL REFERENCES establishment,
  revision bigint GENERATED ALWAYS AS IDENTITY,
  kind text NOT NULL,
  value text COLLATE "C" NOT NULL,
  reason text NOT NULL,
  carriers int NOT NULL,
  recorded_from timestamptz NOT NULL,
  recorded_to timestamptz NOT NULL DEFAULT 'infinity',
  PRIMARY KEY (establishment_id, revision)
);

CREATE TABLE kept_apart (
  establishment_id int NOT NULL REFERENCES establishment,
  revision bigint GENERATED ALWAYS AS IDENTITY,
  asset_a text COLLATE "C" NOT NULL,
  asset_b text COLLATE "C" NOT NULL,
  shared jsonb NOT NULL,
  reason text NOT NULL,
  recorded_from timestamptz NOT NULL,
  recorded_to timestamptz NOT NULL DEFAULT 'infinity',
  PRIMARY KEY (establishment_id, revision)
);

CREATE TABLE observed_link (
  establishment_id int NOT NULL REFERENCES establishment,
  revision bigint GENERATED ALWAYS AS IDENTITY,
  source text COLLATE "C" NOT NULL,
  target text COLLATE "C" NOT NULL,
  port text NOT NULL,
  observation_id text NOT NULL, -- the newest that shows it
  recorded_from timestamptz NOT NULL,
  recorded_to timestamptz NOT NULL DEFAULT 'infinity',
  PRIMARY KEY (establishment_id, revision)
);

-- A person's value of a field; settlement reads it and never overrides it.
CREATE TABLE attribute_lock (
  establishment_id int NOT NULL REFERENCES establishment,
  asset_id text COLLATE "C" NOT NULL,
  field text NOT NULL,
  value text NOT NULL,
  source text NOT NULL,
  set_at timestamptz NOT NULL,
  PRIMARY KEY (establishment_id, asset_id, field)
);

-- The change feed. Numbers are given under the lock of establishment.last_change, so a reader who has seen
-- number n has seen all before it.
CREATE TABLE change (
  establishment_id int NOT NULL REFERENCES establishment,
  sequence bigint NOT NULL,
  at timestamptz NOT NULL,
  kind text NOT NULL,
  subject text COLLATE "C" NOT NULL,
  detail jsonb NOT NULL,
  PRIMARY KEY (establishment_id, sequence)
);

SELECT guard_by_establishment(
  'asset', 'asset_version', 'asset_observation', 'asset_key', 'asset_token', 'merge', 'demotion', 'kept_apart',
  'observed_link', 'attribute_lock', 'change'
);
SELECT grant_to_service('SELECT, INSERT, UPDATE, DELETE', 'asset', 'asset_key', 'asset_token', 'attribute_lock');
SELECT grant_to_service('SELECT, INSERT', 'asset_version', 'asset_observation', 'merge', 'demotion', 'kept_apart');
SELECT grant_to_service('SELECT, INSERT', 'observed_link', 'change');
SELECT grant_to_service('UPDATE (recorded_to)', 'asset_version', 'asset_observation', 'merge', 'demotion', 'kept_apart');
SELECT grant_to_service('UPDATE (recorded_to, observation_id)', 'observed_link');
