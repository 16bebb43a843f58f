#!/bin/sh
# Records traces/wkhtmltopdf.trace: the browser engine QtWebKit in Debian's wkhtmltopdf, without a
# screen: it parses a page, runs its script, lays it out and prints it. Malloc=1 has the engine take
# its memory from malloc in place of an allocator of its own.
# usage: traces/recipes/wkhtmltopdf.sh [OUTPUT]
# needs: wkhtmltopdf, fonts-dejavu-core, python3, and a built allocreplay (ALLOCREPLAY=path).
. "$(dirname "$0")/prepare.sh"
need wkhtmltopdf

python3 "$recipes/wkhtmltopdf_page.py" 150 > page.html
export QT_QPA_PLATFORM=offscreen Malloc=1 XDG_RUNTIME_DIR=.
record -- wkhtmltopdf --quiet --enable-local-file-access page.html page.pdf
wc -c page.pdf >&2
