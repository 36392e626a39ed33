#!/bin/sh
# Writes PgBouncer's configuration from the environment, and starts it: transaction pooling for one database.
#
#   PGHOST, PGPORT (5432), PGUSER, PGPASSWORD, PGDATABASE    the server, and the only user
#   POOL_SIZE (20), MAX_CLIENTS (500)                        connections to the server, and of clients
set -eu
umask 077
: "${PGHOST:?}" "${PGUSER:?}" "${PGPASSWORD:?}" "${PGDATABASE:?}"
quoted() { printf '%s' "$1" | sed 's/"/""/g'; }
printf '"%s" "%s"\n' "$(quoted "$PGUSER")" "$(quoted "$PGPASSWORD")" > /tmp/userlist.txt
cat > /tmp/pgbouncer.ini <<INI
[databases]
$PGDATABASE = host=$PGHOST port=${PGPORT:-5432} dbname=$PGDATABASE
[pgbouncer]
listen_addr = *
listen_port = 6432
unix_socket_dir =
auth_type = scram-sha-256
auth_file = /tmp/userlist.txt
pool_mode = transaction
default_pool_size = ${POOL_SIZE:-20}
max_client_conn = ${MAX_CLIENTS:-500}
; a server that starts refuses logins; 15 s, the default, is long to wait for the next try
server_login_retry = 1
ignore_startup_parameters = extra_float_digits
INI
exec pgbouncer /tmp/pgbouncer.ini
