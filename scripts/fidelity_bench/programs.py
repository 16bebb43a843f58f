"""Programs whose allocations do not depend on time: run twice, they ask malloc for the same."""

import contextlib
import dataclasses
import pathlib
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

from peer_bench import redis
from peer_bench.processes import ROOT, Failure, end, environment, last_line

from fidelity_bench import smaps

RECIPES, PROGRAMS = ROOT / "traces/recipes", ROOT / "tests/bench/programs"
TIMEOUT_S = 120
SAMPLE_S = 0.002


@dataclasses.dataclass(frozen=True)
class Program:
    name: str
    what: str
    needs: str


PROGRAMS_KNOWN = [
    Program("redis", "redis-server filled, thinned, refilled", "redis-server"),
    Program("sqlite", "sqlite3 on a database in memory", "sqlite3"),
    Program("lua", "lua5.4: a trie, a heap of events, strings", "lua5.4"),
    Program("perl", "perl: counting and sorting words", "perl"),
    Program("python", "python3, PYTHONMALLOC=malloc: objects and JSON", "/usr/bin/python3"),
]


def missing(program: Program) -> str:
    return "" if shutil.which(program.needs) else f"{program.needs} is not installed"


def _command(name: str, folder: pathlib.Path) -> tuple[list[str], dict]:
    if name == "redis":
        return ["redis-server", "--port", "0", "--unixsocket", str(folder / "redis.sock"), "--save",
                "", "--appendonly", "no", "--daemonize", "no", "--dir", str(folder), "--loglevel",
                "warning"], {}
    if name == "sqlite":
        script = folder / "script.sql"
        with script.open("wb") as file:
            subprocess.run([sys.executable, RECIPES / "sqlite_script.py"], stdout=file, check=True,
                           timeout=TIMEOUT_S)
        return ["sqlite3", "-batch", ":memory:", f".read {script}"], {}
    if name == "lua":
        return ["lua5.4", str(RECIPES / "lua_program.lua")], {}
    if name == "perl":
        return ["perl", str(PROGRAMS / "words.pl")], {"PERL_HASH_SEED": "1"}
    # Debian's own: another in PATH may be a script that starts one.
    return (["/usr/bin/python3", "-S", str(PROGRAMS / "objects.py")],
            {"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "1"})


def _drive_redis(child: subprocess.Popen, path: pathlib.Path) -> None:
    """Fills, deletes three quarters, refills with values twice as large, ends the server."""
    deadline = time.monotonic() + 20
    link = socket.socket(socket.AF_UNIX)
    link.settimeout(60)
    while link.connect_ex(str(path)):
        if child.poll() is not None or time.monotonic() > deadline:
            raise Failure("redis-server does not answer")
        time.sleep(0.02)
    rng = random.Random(5)
    keys = list(range(60_000))

    def send(commands) -> None:
        batch = [redis.encode(command) for command in commands]
        for first in range(0, len(batch), 200):
            part = batch[first:first + 200]
            link.sendall(b"".join(part))
            replies = 0
            while replies < len(part):
                data = link.recv(1 << 16)
                if not data:
                    raise Failure("redis-server closed the connection")
                replies += data.count(b"\r\n")

    def fill(chosen, factor):
        return [[b"SET", b"key:%d" % key, b"x" * int(factor * 16 * 2 ** (rng.random() * 7))]
                for key in chosen]

    send(fill(keys, 1))
    deleted = [key for key in keys if rng.random() < 0.75]
    rng.shuffle(deleted)
    send([b"DEL", b"key:%d" % key] for key in deleted)
    send(fill(deleted, 2))
    time.sleep(0.1)
    link.sendall(redis.encode([b"SHUTDOWN", b"NOSAVE"]))
    link.close()


@contextlib.contextmanager
def _running(name: str, prefix: list[str], preload: str | None):
    with tempfile.TemporaryDirectory(prefix="bench_fidelity-") as text:
        folder = pathlib.Path(text)
        command, more = _command(name, folder)
        with tempfile.TemporaryFile() as errors:
            child = subprocess.Popen([*prefix, *command], env=environment(preload, **more),
                                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                     stderr=errors, start_new_session=True)
            try:
                yield child, folder
                if child.wait(TIMEOUT_S):
                    errors.seek(0)
                    raise Failure(f"{name}: exit status {child.returncode}: "
                                  f"{last_line(errors.read().decode(errors='replace'))}")
            finally:
                end(child)


def record(program: Program, binary: pathlib.Path, trace: pathlib.Path) -> None:
    prefix = [str(binary), "record", "-q", "-o", str(trace), "--"]
    with _running(program.name, prefix, None) as (child, folder):
        if program.name == "redis":
            _drive_redis(child, folder / "redis.sock")


def _drive(program: Program, child: subprocess.Popen, folder: pathlib.Path,
           failures: list[Exception]) -> None:
    """What a program needs from outside; a failure is put into the list."""
    try:
        if program.name == "redis":
            _drive_redis(child, folder / "redis.sock")
    except (Failure, OSError) as failure:
        failures.append(failure)


def curve(program: Program, preload: str | None) -> list[smaps.Resident]:
    """The real program's memory, every few milliseconds while it runs."""
    samples: list[smaps.Resident] = []
    # Debian links redis-server with jemalloc: libc.so.6 itself preloaded puts glibc's malloc first.
    with _running(program.name, [], preload or "libc.so.6") as (child, folder):
        failures: list[Exception] = []
        driver = threading.Thread(target=_drive, args=(program, child, folder, failures))
        driver.start()
        while child.poll() is None and not failures:
            sample = smaps.read(child.pid)
            if sample:
                samples.append(sample)
            time.sleep(SAMPLE_S)
        driver.join()
        if failures:
            raise failures[0]
    if not samples:
        raise Failure(f"{program.name}: ended before it could be looked at")
    return samples
