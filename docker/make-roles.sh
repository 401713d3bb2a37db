#!/bin/sh
# Run once by the database image on an empty volume: makes the role the service works under, which owns nothing.
set -eu
psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set ON_ERROR_STOP=1 \
  --set password="$(cat /run/secrets/service_password)" <<'SQL'
CREATE ROLE wardgraph_service LOGIN PASSWORD :'password';
REVOKE ALL ON DATABASE wardgraph FROM PUBLIC;
GRANT CONNECT ON DATABASE wardgraph TO wardgraph_service;
SQL
