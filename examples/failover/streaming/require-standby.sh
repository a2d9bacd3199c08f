#!/bin/sh
# Run on the primary: from now on, a commit waits until the machine STANDBY has it on its disk too.
set -e
psql -Xq -d postgres -c "ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 ($STANDBY)'"
psql -Xq -d postgres -c 'SELECT pg_reload_conf()' >/dev/null
