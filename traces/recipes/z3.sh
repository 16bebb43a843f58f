#!/bin/sh
# Records traces/z3.trace: Debian's z3 on constraints that z3_problem.py writes: a timetable of
# linear integer constraints, and bit-vector arithmetic.
# usage: traces/recipes/z3.sh [OUTPUT]
# needs: z3, python3, and a built allocreplay (ALLOCREPLAY=path).
. "$(dirname "$0")/prepare.sh"
need z3

python3 "$recipes/z3_problem.py" > problem.smt2
record -- z3 -smt2 problem.smt2 > answers.txt
grep -c '^sat$\|^unsat$' answers.txt >&2
