#!/bin/sh
# Runs once inside the database container: the application's role, without rights on the schema.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$MUSTER_APP_PASSWORD" -U "$POSTGRES_USER" -d "$POSTGRES_DB" <<'SQL'
create role muster_app login password :'password';
revoke all on database muster from public;
grant connect on database muster to muster_app;
SQL
