#!/bin/bash
# Run once by PostgreSQL's image, on an empty data folder, as its superuser: the role that owns the tables and migrates, the
# role that serves requests and owns nothing, and the group of those who are to see everything in SQL.
set -euo pipefail

read_secret() {
    local text
    text=$(<"$1")
    printf '%s' "$text"
}

psql --no-psqlrc --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname "${POSTGRES_DB:-clerk_sync}" \
    --set database="${POSTGRES_DB:-clerk_sync}" \
    --set owner_password="$(read_secret "$OWNER_PASSWORD_FILE")" \
    --set app_password="$(read_secret "$APP_PASSWORD_FILE")" <<'SQL'
create role clerk_sync_owner login password :'owner_password' nosuperuser nobypassrls nocreatedb nocreaterole;
create role clerk_sync_app login password :'app_password' nosuperuser nobypassrls nocreatedb nocreaterole connection limit 200;
create role clerk_sync_admin nologin;
alter database :"database" owner to clerk_sync_owner;
revoke all on database :"database" from public;
grant connect on database :"database" to clerk_sync_app;
alter schema public owner to clerk_sync_owner;
SQL
