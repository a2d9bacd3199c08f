#!/bin/sh
# Succeeds if a server of PostgreSQL is a primary. HAProxy passes its address and port as the third and fourth argument.
# The file pgpass beside this script has the password.
export PGPASSFILE="$(dirname "$0")/pgpass" PGCONNECT_TIMEOUT=2
exec psql -Xq "host=$3 port=$4 user=sessions dbname=sessions target_session_attrs=primary" -c ''
