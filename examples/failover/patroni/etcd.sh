#!/bin/sh
# Starts etcd on one of three machines. NAME is db1, db2 or db3, ADDRESS is the address of this machine, DB1 to DB3 are
# those of all machines, and STATE is a folder of the user postgres.
exec etcd --name "$NAME" --data-dir "$STATE/etcd" \
  --listen-client-urls "http://$ADDRESS:2379" --advertise-client-urls "http://$ADDRESS:2379" \
  --listen-peer-urls "http://$ADDRESS:2380" --initial-advertise-peer-urls "http://$ADDRESS:2380" \
  --initial-cluster "db1=http://$DB1:2380,db2=http://$DB2:2380,db3=http://$DB3:2380" \
  --heartbeat-interval 250 --election-timeout 2500
