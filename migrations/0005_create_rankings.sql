-- Rankings as they were computed, with the graph they were computed from: "why did it move?" is the diff of two runs.

CREATE TABLE ranking_run (
  establishment_id int NOT NULL REFERENCES establishment,
  id bigint GENERATED ALWAYS AS IDENTITY,
  horizon text NOT NULL,
  pack_version text NOT NULL,
  started_at timestamptz NOT NULL,
  finished_at timestamptz NOT NULL,
  observed_until timestamptz, -- the newest observation it rests on: the age of the answer
  unreviewed_numbers int NOT NULL,
  questions jsonb NOT NULL,
  confidentiality jsonb NOT NULL,
  graph bytea NOT NULL, -- care-graph/1, zlib; 20,000 nodes are about 1 MB
  sources bytea NOT NULL, -- why each edge is in it, JSON, zlib
  PRIMARY KEY (establishment_id, id)
);

CREATE TABLE ranked_node (
  establishment_id int NOT NULL REFERENCES establishment,
  run_id bigint NOT NULL,
  rank int NOT NULL,
  node_id text COLLATE "C" NOT NULL,
  document jsonb NOT NULL,
  PRIMARY KEY (establishment_id, run_id, rank),
  FOREIGN KEY (establishment_id, run_id) REFERENCES ranking_run
);
CREATE UNIQUE INDEX ranked_node_by_node ON ranked_node (establishment_id, run_id, node_id);

SELECT guard_by_establishment('ranking_run', 'ranked_node');
SELECT grant_to_service('SELECT, INSERT', 'ranking_run', 'ranked_node');
