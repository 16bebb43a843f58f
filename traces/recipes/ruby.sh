#!/bin/sh
# Records traces/ruby.trace: Debian's ruby running ruby_program.rb: documents passed through queues
# between threads that parse, index and render them. Whichever thread is at work when Ruby's
# collector sweeps frees what all of them allocated.
# usage: traces/recipes/ruby.sh [OUTPUT]
# needs: ruby, and a built allocreplay (ALLOCREPLAY=path).
. "$(dirname "$0")/prepare.sh"
need ruby

cp "$recipes/ruby_program.rb" program.rb
export RUBYOPT=--disable=gems
record -- ruby program.rb
