#!/bin/sh
# Records traces/jq.trace: Debian's jq on a JSON document of several megabytes: parsed whole,
# grouped, summed up, reshaped and printed.
# usage: traces/recipes/jq.sh [OUTPUT]
# needs: jq, python3, and a built allocreplay (ALLOCREPLAY=path).
. "$(dirname "$0")/prepare.sh"
need jq

python3 "$recipes/jq_document.py" 6000 > orders.json
cp "$recipes/jq_filter.jq" filter.jq
record -- jq --from-file filter.jq orders.json > summary.json
