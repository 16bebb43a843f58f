"""Whole programs whose malloc is libmem.so do and say the same as without it.

Each command runs twice, plain and with LD_PRELOAD; exit code, stdout and stderr must be equal, which
also shows any complaint of the dynamic linker. A program that is not installed is skipped."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

BUILD = pathlib.Path(os.environ["ALLOCREPLAY_BUILD"])
LIBMEM = BUILD / "lib/libmem.so"
# The same locale, identity and time whoever runs this, so that outputs can be compared by the byte.
PLAIN = {
    "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONMALLOC": "malloc",
    "PYTHONDONTWRITEBYTECODE": "1", "PERL_HASH_SEED": "0", "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b.c", "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
    "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b.c",
    "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z"}
PRELOADED = {**PLAIN, "LD_PRELOAD": str(LIBMEM)}

BASH = r"""
declare -A count
for i in $(seq 400); do
  lines[i]=$(echo "line $i" | tr a-z A-Z)
  count[$((i % 7))]+=x
done
echo ${#lines[@]} "${lines[400]}" "${count[3]}"
mapfile -t sorted < <(printf '%s\n' "${lines[@]}" | sort -r | uniq | head -n 300)
echo "${sorted[299]}" "${sorted[*]:5:3}"
text=
for ((i = 0; i < 3000; ++i)); do text+="$i,"; done
echo ${#text} "${text//1/one}" | md5sum
(exec bash -c 'echo nested $((6 * 7)); exit 3'); echo $?
f() { local n=$1; ((n == 0)) || { echo -n "$n "; f $((n - 1)); }; }; f 100; echo
wait < <(for j in 1 2 3 4; do (seq $((j * 1000)) | tail -n 1) & wait; done); cat <<< "${!count[*]}"
"""

GIT = r"""
set -e
git init -q -b main .
for i in 1 2 3 4 5 6; do
  seq $((i * 1000)) > file$i; mkdir -p d$i; seq $i > d$i/x; git add . && git commit -qm "commit $i"
done
git checkout -qb side HEAD~3 && seq 50 > other && git add . && git commit -qm side
git checkout -q main && git merge -q -m merge side
git log --stat --graph --all
git blame file1 | tail -n 3
git diff HEAD~4 --shortstat
git gc -q --prune=now
git fsck --strict
git grep -c 99 | tail -n 4
git -c pack.threads=2 repack -adfq --depth=20
git archive HEAD | sha256sum
git rev-list --count HEAD
"""

PYTHON = r"""
import concurrent.futures, ctypes, decimal, json, os, re, subprocess, sys, threading, zlib
import _ctypes, _decimal, _json, _sqlite3, pyexpat  # modules that are libraries of their own
heap_check = getattr(ctypes.CDLL(None), 'mem_check', None)
assert (heap_check is not None) == ('LD_PRELOAD' in os.environ)
def work(n):
    for _ in range(15):
        data = json.dumps({str(i): [i] * (i % 20) for i in range(500)})
        assert json.loads(data)['19'] == [19] * 19
        assert zlib.decompress(zlib.compress(data.encode())).decode() == data
    return len(data) + n
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    futures = [pool.submit(work, n) for n in range(4)]
    for _ in range(10):
        pid = os.fork()
        if pid == 0: os._exit(0 if len(re.findall('a', 'a' * 10000)) == 10000 else 1)
        assert os.waitpid(pid, 0)[1] == 0
    print([each.result() for each in futures])
for _ in range(200): threading.Thread(target=lambda: [bytearray(n) for n in range(300)]).start()
print(sum(decimal.Decimal(n) / 7 for n in range(2000)))
print(subprocess.check_output([sys.executable, '-c', 'print(sorted({str(n): n for n in range(99)}))']))
print(heap_check() if heap_check else 0)  # the heap that served all of it is whole
"""

NUMPY = r"""
import numpy as np
a = np.arange(1_000_000, dtype=np.float64).reshape(1000, 1000)
print(a.T.copy().sum(), (a[:300, :300] @ a[:300, :300]).trace(), np.sort(a % 977, axis=None)[::99991])
b = np.concatenate([np.full(n, n) for n in range(1500)]); b.resize(2_000_000, refcheck=False)
print(b.sum(), np.linalg.det(np.eye(50) * 2), np.unique(b).size)
print(np.zeros(5_000_000).any(), [np.empty(n).nbytes for n in (0, 1, 100_000)])
"""

SQLITE = """
CREATE TABLE t(id INTEGER PRIMARY KEY, word TEXT, n REAL);
WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 60000)
  INSERT INTO t SELECT i, printf('%x-%s', i * 7919 % 65521, hex(i * i)), i / 3.0 FROM c;
CREATE INDEX by_word ON t(word);
SELECT count(*), max(word), round(sum(n), 3) FROM t;
SELECT substr(word, 1, 1) AS w, count(*), group_concat(id % 10, '') AS g FROM t WHERE id < 3000
  GROUP BY w ORDER BY w;
DELETE FROM t WHERE id % 3 = 0;
UPDATE t SET word = word || word WHERE id % 5 = 0;
VACUUM;
SELECT count(*), max(length(word)) FROM t; PRAGMA integrity_check;
"""

PERL = r"""
my %h; push @{$h{$_ % 1009}}, "item $_" x ($_ % 5) for 1 .. 60000;
my @longest = sort { @{$h{$b}} <=> @{$h{$a}} || $a <=> $b } keys %h;
print "@longest[0..5] ", length(join '', map { @$_ } @h{sort keys %h}), "\n";
my $s = join ',', 1 .. 40000; (my $t = $s) =~ s/(\d+)7,/<$1>/g; print length($t), "\n";
my @m = $s =~ /(?:^|,)(\d*99\d*)(?=,)/g; print scalar(@m), " $m[-1]\n";
print scalar(reverse sprintf('%050d', 12345)), "\n";
for my $n (1 .. 4) { my $pid = fork; if (!$pid) { my @x = map { 'y' x $_ } 1 .. 500; exit @x % 256 }
  waitpid $pid, 0; print $? >> 8, "\n" }
my $x = eval 'sub { my %c; $c{$_}++ for split //, shift; join "", map { "$_$c{$_}" } sort keys %c }';
print $x->($s), "\n";
"""

CXX = r"""
#include <algorithm>
#include <iostream>
#include <map>
#include <string>
#include <thread>
#include <vector>
int main() {
  std::vector<std::map<std::string, std::vector<int>>> maps(4);
  std::vector<std::thread> threads;
  for (auto& map : maps) threads.emplace_back([&map] {
    for (int i = 0; i < 20000; ++i) map[std::to_string(i % 997) + std::string(30, 'x')].push_back(i);
  });
  for (auto& thread : threads) thread.join();
  try { throw std::string(1000, 'e'); } catch (const std::string& e) { std::cout << e.size() << '\n'; }
  for (auto& map : maps) std::cout << map.size() << ' ' << map.rbegin()->second.size() << '\n';
}
"""


def needs(*programs):
    missing = [each for each in programs if shutil.which(each) is None]
    return unittest.skipIf(missing, f"not installed: {' '.join(missing)}")


class Programs(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="mem-programs-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.source = self.folder / "source"
        self.source.mkdir()

    def run_once(self, command, env, stdin=""):
        """In a folder whose path is the same each time, and empty."""
        work = self.folder / "work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        return subprocess.run([*map(str, command)], input=stdin.encode(), capture_output=True,
                              timeout=120, check=False, cwd=work,
                              env={**env, "HOME": str(self.source), "TMPDIR": str(work)})

    def assert_same(self, command, stdin="", exit_code=0):
        plain = self.run_once(command, PLAIN, stdin)
        ours = self.run_once(command, PRELOADED, stdin)
        self.assertEqual((ours.returncode, ours.stderr.decode(), ours.stdout.decode()),
                         (plain.returncode, plain.stderr.decode(), plain.stdout.decode()))
        self.assertEqual(plain.returncode, exit_code, plain.stderr)
        return plain.stdout.decode()

    def test_a_difference_is_seen(self):
        tell = ["bash", "-c", "echo $LD_PRELOAD"]
        self.assertRaises(AssertionError, self.assert_same, tell)

    def test_bash(self):
        self.assertIn("400 LINE 400", self.assert_same(["bash", "-c", BASH]))

    @needs("git")
    def test_git(self):
        self.assertTrue(self.assert_same(["bash", "-c", GIT]).endswith("\n8\n"))

    def test_python(self):
        self.assert_same([sys.executable, "-c", PYTHON])

    def test_numpy(self):
        self.assert_same([sys.executable, "-c", NUMPY])

    @needs("sqlite3")
    def test_sqlite(self):
        self.assertTrue(self.assert_same(["sqlite3", ":memory:"], SQLITE).endswith("ok\n"))

    @needs("perl")
    def test_perl(self):
        self.assert_same(["perl", "-e", PERL])

    @needs("g++")
    def test_a_compiler_and_what_it_made(self):
        (self.source / "p.cc").write_text(CXX)
        told = self.assert_same(["bash", "-c", "g++ -std=c++20 -O1 -pthread $HOME/p.cc -o p && ./p && "
                                 "sha256sum p"])
        self.assertTrue(told.startswith("1000\n997 "), told)

    @needs("xz", "zstd", "gzip")
    def test_compressors_with_threads(self):
        for tool in ("xz -2 -T2 --block-size=300KiB", "zstd -5 -T2 -B500K -q", "gzip"):
            self.assert_same(["bash", "-c", f"seq 400000 | {tool} -c | tee c | sha256sum && "
                              f"{tool.split()[0]} -dc < c | sha256sum"])

    @needs("sort", "awk", "sed")
    def test_sort_with_threads(self):
        self.assert_same(["bash", "-c", "seq 150000 | awk '{ print $1 * 7919 % 150001, NR }' | "
                          "sort --parallel=2 -S 8M -n | sed -E 's/([0-9]+) /\\1\\t/' | md5sum"])

    @needs("valgrind")
    def test_where_addresses_are_low(self):
        """Under valgrind, with more than any small window holds."""
        script = "blocks = [bytearray(50 << 20) for _ in range(6)]; print(len(blocks))"
        self.assert_same(["valgrind", "-q", "--tool=none", sys.executable, "-c", script])

    def test_limited_address_space(self):
        """Programs that start within a limit do so with ours too."""
        commands = {12000: [["true"], ["ls", "-d", "/"]], 16000: [["true"], ["ls", "-d", "/"]],
                    65536: [["true"], ["bash", "-c", "a=$(seq 2000); echo ${#a}"], ["ls", "/"],
                            ["sort", "/etc/passwd"]],
                    400000: [["bash", "-c", BASH], ["git", "--version"], ["perl", "-e", PERL],
                             [sys.executable, "-c", "import json; print(json.dumps([1] * 10000))"]]}
        for limit, each in commands.items():
            for command in each:
                if shutil.which(command[0]):
                    with self.subTest(limit=limit, command=command[0]):
                        self.assert_same(["bash", "-c", f'ulimit -v {limit}; exec "$@"', "_", *command])

    def test_out_of_memory_is_no_death(self):
        script = ("kept = []\n"
                  "try:\n"
                  "    while True: kept.append(bytearray(1 << 20))\n"
                  "except MemoryError:\n"
                  "    n = len(kept); kept = None; print('ran out after many' if n > 150 else n)\n"
                  "print(len([bytearray(1 << 20) for _ in range(150)]))\n")
        self.assert_same(["bash", "-c", 'ulimit -v 400000; exec "$@"', "_", sys.executable, "-c", script])


@needs("redis-server", "redis-benchmark", "redis-cli")
class Redis(unittest.TestCase):
    """A server that measures its own memory by malloc_usable_size, on a socket of its own."""

    def serve(self, env):
        folder = tempfile.TemporaryDirectory(prefix="mem-redis-")
        self.addCleanup(folder.cleanup)
        self.socket = f"{folder.name}/socket"
        server = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.socket, "--dir", folder.name,
             "--save", "", "--appendonly", "no", "--activedefrag", "no", "--io-threads", "2"],
            env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(lambda: (server.kill(), server.wait(), server.stdout.close()))
        log = []
        for line in server.stdout:  # until it says that it is up, or ends
            log.append(line)
            if "ready to accept connections" in line:
                return server
        self.fail("".join(log))

    def cli(self, *words, stdin=None):
        done = subprocess.run(["redis-cli", "-s", self.socket, *words], input=stdin, text=True,
                              capture_output=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def info(self, key):
        return int(re.search(rf"^{key}:(\d+)", self.cli("info", "memory"), re.MULTILINE).group(1))

    def tell(self, env):
        server = self.serve(env)
        told = []
        commands = [f"set k{n % 500} {'v' * (n * 37 % 3000)}" for n in range(4000)]
        commands += [f"append k{n % 300} {'a' * 90}\nlpush l{n % 20} {n}\nzadd z{n % 20} {n} m{n}\n"
                     f"hset h{n % 30} f{n} {'h' * (n % 200)}\nsetrange s{n % 9} {n * 20} x"
                     for n in range(2000)]
        told.append(self.cli(stdin="\n".join(commands) + "\n"))
        told.append(self.cli(stdin="\n".join(f"strlen k{n}\nlrange l{n} 0 5\nzrange z{n} 0 9\nhlen h{n}"
                                             for n in range(20)) + "\n"))
        load = subprocess.run(["redis-benchmark", "-s", self.socket, "-q", "-n", "4000", "-r", "1000",
                               "-d", "300", "-t", "set,get,lpush,lrange_100,zadd,hset,mset"],
                              capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(load.returncode, 0, load.stderr)
        told.append(self.cli("bgsave"))  # forks while it serves
        told.append(self.cli("get", "k7"))
        self.assertGreater(int(self.cli("memory", "usage", "k7")), 20)
        full = self.info("used_memory")
        told += [self.cli("flushall"), self.cli("dbsize"), self.cli("memory", "purge")]
        empty = self.info("used_memory")
        self.assertTrue(0 < empty < full < 1 << 32, (empty, full))
        told.append(self.cli(stdin="set after 1\nget after\n"))
        self.cli("shutdown", "nosave")
        log = server.stdout.read()
        self.assertEqual(server.wait(timeout=60), 0, log)
        self.assertNotIn("crashed", log)
        return told

    def test_redis(self):
        self.assertEqual(self.tell(PRELOADED), self.tell(PLAIN))

    def test_ended_by_a_signal(self):
        server = self.serve(PRELOADED)
        self.cli("set", "key", "value")
        server.send_signal(signal.SIGTERM)
        log = server.stdout.read()
        self.assertEqual(server.wait(timeout=60), 0, log)

    def test_its_malloc_is_ours(self):
        done = subprocess.run(["redis-server", "--version"], capture_output=True, text=True,
                              check=True, timeout=60,
                              env={**PRELOADED, "LD_DEBUG": "bindings", "LD_BIND_NOW": "1"})
        self.assertRegex(done.stdout + done.stderr,
                         r"binding file \S*redis\S* .*libmem\.so .*normal symbol `malloc'")


if __name__ == "__main__":
    unittest.main()
