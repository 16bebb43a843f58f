#!/bin/sh
# Records traces/perl.trace: Debian's perl running perl_program.pl, which counts and joins the words
# of a text of its own making.
# usage: traces/recipes/perl.sh [OUTPUT]
# needs: perl, and a built allocreplay (ALLOCREPLAY=path).
. "$(dirname "$0")/prepare.sh"
need /usr/bin/perl

cp "$recipes/perl_program.pl" program.pl
export PERL_HASH_SEED=0 PERL_PERTURB_KEYS=0
record -- /usr/bin/perl program.pl
