#!/bin/sh
# Makes this machine, NAME, a standby of the machine PRIMARY. Deletes the data in PGDATA. Run it as the user postgres,
# while PostgreSQL does not run here. The password of replicator is in ~/.pgpass, or in PGPASSWORD.
set -e
rm -rf "$PGDATA"
pg_basebackup --pgdata="$PGDATA" --checkpoint=fast --write-recovery-conf \
  --dbname="host=$PRIMARY user=replicator application_name=$NAME"
