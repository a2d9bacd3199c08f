#!/bin/sh
# Run on the standby, after the primary was stopped for good: this machine becomes the primary, without a standby.
set -e
psql -Xq -d postgres -c 'ALTER SYSTEM RESET synchronous_standby_names'
psql -Xq -d postgres -c 'SELECT pg_reload_conf()' >/dev/null
exec pg_ctl promote --pgdata="$PGDATA"
