#!/bin/sh
# Records traces/rocksdb.trace: db_bench of Debian's RocksDB: four threads read and write one store
# whose memtables and block cache are so small that it flushes, compacts and evicts all the time,
# in threads of its own.
# usage: traces/recipes/rocksdb.sh [OUTPUT]
# needs: rocksdb-tools, and a built allocreplay (ALLOCREPLAY=path).
. "$(dirname "$0")/prepare.sh"
need db_bench

record -- db_bench --db=store --seed=20261123 --num=12000 --threads=4 --value_size=300 \
  --key_size=20 --benchmarks=fillrandom,readrandomwriterandom,multireadrandom,deleterandom \
  --reads=5000 --writes=6000 --duration=0 \
  --write_buffer_size=400000 --target_file_size_base=500000 --max_background_jobs=3 \
  --cache_size=800000 --cache_numshardbits=2 --block_size=4096 --bloom_bits=10 \
  --compression_type=none --stats_interval=1000000 > figures.txt 2> progress.txt
grep micros/op figures.txt >&2
