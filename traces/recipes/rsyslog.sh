#!/bin/sh
# Records traces/rsyslog.trace: Debian's rsyslogd reading messages from sockets in threads of their
# own and handing them to workers that parse, filter, format, write and free them.
# usage: traces/recipes/rsyslog.sh [OUTPUT]
# needs: rsyslog, python3, and a built allocreplay (ALLOCREPLAY=path).
. "$(dirname "$0")/prepare.sh"
need /usr/sbin/rsyslogd

cp "$recipes/rsyslog.conf" .
serve -- /usr/sbin/rsyslogd -n -C -i rsyslog.pid -f rsyslog.conf
python3 "$recipes/rsyslog_client.py" in.sock
kill "$(cat rsyslog.pid)"
served
wc -l ./*.log >&2
