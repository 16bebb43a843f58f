#!/bin/sh
# Records traces/rsyslog.trace: Debian's rsyslogd reading messages from sockets in threads of their
# own and handing them to workers that parse, filter, format, write and free them.
# usage: traces/recipes/rsyslog.sh [OUTPUT]
# needs: rsyslog, python3, and a built allocreplay (ALLOCREPLAY=path).
. "$(dirname "$0")/prepare.sh"
need /usr/sbin/rsyslogd

cp "$recipes/rsyslog.conf" .
record -- /usr/sbin/rsyslogd -n -C -i rsyslog.pid -f rsyslog.conf &
recorder=$!
trap 'kill "$recorder" 2> /dev/null; wait "$recorder"; rm -rf "$work"' EXIT
python3 "$recipes/rsyslog_client.py" in.sock
kill "$(cat rsyslog.pid)"
wait "$recorder"
trap 'rm -rf "$work"' EXIT
wc -l ./*.log >&2
