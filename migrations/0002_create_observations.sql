-- What agents and files stated. Append-only: the service may add and read, never change.

CREATE TABLE batch (
  establishment_id int NOT NULL REFERENCES establishment,
  id text COLLATE "C" NOT NULL,
  agent_id text NOT NULL,
  received_at timestamptz NOT NULL,
  accepted int NOT NULL,
  duplicates int NOT NULL,
  rejected int NOT NULL,
  PRIMARY KEY (establishment_id, id)
);

CREATE TABLE observation (
  establishment_id int NOT NULL,
  seen_at timestamptz NOT NULL,
  id text COLLATE "C" NOT NULL, -- a digest of the content, seen_at included: equal ids are equal statements
  agent_id text NOT NULL,
  address text,
  mac text,
  protocol text NOT NULL,
  facts jsonb NOT NULL,
  batch_id text COLLATE "C" NOT NULL,
  received_at timestamptz NOT NULL,
  PRIMARY KEY (establishment_id, seen_at, id)
) PARTITION BY RANGE (seen_at);

CREATE INDEX observation_by_id ON observation (establishment_id, id);

-- Months older than those worth a partition, and agents whose clock is wrong: kept, and never in the way.
CREATE TABLE observation_other PARTITION OF observation DEFAULT;

CREATE TABLE claim (
  establishment_id int NOT NULL REFERENCES establishment,
  observation_id text COLLATE "C" NOT NULL,
  card text,
  card_version text,
  device_type text,
  confidence double precision NOT NULL,
  document jsonb NOT NULL,
  recorded_at timestamptz NOT NULL,
  PRIMARY KEY (establishment_id, observation_id)
);

SELECT guard_by_establishment('batch', 'observation', 'observation_other', 'claim');
SELECT grant_to_service('SELECT, INSERT', 'batch', 'observation');
SELECT grant_to_service('UPDATE (accepted, duplicates)', 'batch');
SELECT grant_to_service('SELECT, INSERT, UPDATE', 'claim');

-- Makes the partition of a month; the owner's right, lent to the service for this one thing.
-- Attaching takes a lock that lets readers and writers of the other months go on; a plain PARTITION OF stops them all.
CREATE FUNCTION ensure_observation_month(day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  month CONSTANT timestamp := date_trunc('month', day::timestamp);
  partition CONSTANT text := format('observation_y%sm%s', to_char(month, 'YYYY'), to_char(month, 'MM'));
BEGIN
  IF to_regclass(partition) IS NOT NULL OR day NOT BETWEEN current_date - 800 AND current_date + 62 THEN
    RETURN; -- the window bounds how many partitions a mad clock can make
  END IF;
  PERFORM pg_advisory_xact_lock('observation'::regclass::oid::int, 0);
  IF EXISTS (SELECT FROM pg_class WHERE relname = partition AND relnamespace = 'public'::regnamespace) THEN
    RETURN; -- another made it while we waited; the catalogue knows, to_regclass may still remember that it was not
  END IF;
  EXECUTE format('CREATE TABLE %I (LIKE observation INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', partition);
  PERFORM guard_by_establishment(partition::regclass);
  EXECUTE format(
    'ALTER TABLE observation ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
    partition, month AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC'
  );
END
$$;

REVOKE ALL ON FUNCTION ensure_observation_month FROM PUBLIC;
DO $$
BEGIN
  EXECUTE format('GRANT EXECUTE ON FUNCTION ensure_observation_month TO %I', current_setting('wardgraph.service_role'));
END
$$;
