#!/bin/sh
# Records traces/xsltproc.trace: Debian's xsltproc (libxml2 and libxslt) that parses a catalogue of
# some megabytes into a tree, sorts and groups it by keys, and writes a report in HTML.
# usage: traces/recipes/xsltproc.sh [OUTPUT]
# needs: xsltproc, python3, and a built allocreplay (ALLOCREPLAY=path).
. "$(dirname "$0")/prepare.sh"
need xsltproc

python3 "$recipes/xsltproc_catalogue.py" 3000 > catalogue.xml
cp "$recipes/xsltproc_report.xsl" report.xsl
record -- xsltproc --output report.html report.xsl catalogue.xml
wc -c report.html >&2
