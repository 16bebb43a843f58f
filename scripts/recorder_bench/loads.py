"""The programs that are run plain and recorded, and what is measured of one run."""

import dataclasses
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

from peer_bench.processes import ROOT, Failure, end, environment, last_line

PROGRAMS = ROOT / "tests/bench/programs"
MODES = {"plain": None, "recorded": [], "sites": ["--sites"], "residency": ["--residency"]}
TIMEOUT_S = 120


@dataclasses.dataclass(frozen=True)
class Load:
    name: str
    what: str                        # shown in the table
    command: list[str]
    stdin: pathlib.Path | None = None
    env: dict = dataclasses.field(default_factory=dict)
    missing: str = ""
    server: bool = False             # driven from outside: the client's time counts
    prints_ns: bool = False          # its output is the nanoseconds of an event of a thread

    @property
    def files(self) -> list[pathlib.Path]:
        """The programs that run, and what they read."""
        programs = [self.command[0], "redis-benchmark"] if self.server else [self.command[0]]
        read = [word for word in self.command[1:] if word.startswith(str(PROGRAMS))]
        found = [*filter(None, map(shutil.which, programs)), *read, self.stdin]
        return [pathlib.Path(file) for file in found if file]


def loads(binaries: pathlib.Path, quick: bool) -> list[Load]:
    """`binaries`: where allocreplay and recorder_load are."""
    compiler = subprocess.run(["g++", "-print-prog-name=cc1plus"], capture_output=True, text=True,
                              check=False).stdout.strip() if shutil.which("g++") else ""
    multiarch = subprocess.run(["g++", "-print-multiarch"], capture_output=True, text=True,
                               check=False).stdout.strip() if compiler else ""
    pairs = str(1_000_000 if quick else 4_000_000)

    def need(program: str) -> str:
        return "" if shutil.which(program) else f"{program} is not installed"

    return [
        Load("redis", "redis-server under redis-benchmark", ["redis-server"], server=True,
             missing=need("redis-server") or need("redis-benchmark")),
        Load("sqlite3", "sqlite3", ["sqlite3", ":memory:"], PROGRAMS / "rows.sql",
             missing=need("sqlite3")),
        # Debian's own: another in PATH may be a script that starts one.
        Load("python3", "python3, PYTHONMALLOC=malloc", ["/usr/bin/python3", "-S",
                                                          str(PROGRAMS / "objects.py")],
             env={"PYTHONMALLOC": "malloc"}, missing=need("/usr/bin/python3")),
        Load("g++", "g++ (cc1plus)", [compiler, "-quiet", "-std=c++20", "-D_GNU_SOURCE",
                                       "-imultiarch", multiarch, str(PROGRAMS / "templates.cc"), "-o", "/dev/null"],
             missing="" if os.path.isfile(compiler) else "g++ is not installed"),
        Load("threads-1", "working sets, 1 thread", [str(binaries / "recorder_load"), "1", pairs],
             prints_ns=True),
        Load("threads-2", "working sets, 2 threads", [str(binaries / "recorder_load"), "2", pairs],
             prints_ns=True),
    ]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _drive_redis(child: subprocess.Popen, port: int, quick: bool) -> float:
    """Loads a server that has just been started, ends it; returns the seconds of the load."""
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            break
        except OSError as error:
            if child.poll() is not None or time.monotonic() > deadline:
                raise Failure("redis-server does not answer") from error
            time.sleep(0.02)
    requests = "20000" if quick else "150000"
    begin = time.monotonic()
    subprocess.run(["redis-benchmark", "-p", str(port), "-q", "-n", requests, "-r", "100000", "-c",
                    "20", "-P", "8", "-d", "100", "-t", "set,get,lpush,rpop,hset"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=TIMEOUT_S)
    seconds = time.monotonic() - begin
    subprocess.run(["redis-cli", "-p", str(port), "shutdown", "nosave"], check=False,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=TIMEOUT_S)
    return seconds


def measure(load: Load, mode: str, binaries: pathlib.Path, quick: bool) -> dict[str, float]:
    """One run: seconds, and of a recorded one events, the bytes of spool and trace."""
    with tempfile.TemporaryDirectory(prefix="bench_recorder-") as folder:
        trace = pathlib.Path(folder) / "x.trace"
        port = _free_port() if load.server else 0
        command = list(load.command)
        env = environment(None, **load.env)
        if load.server:
            command += ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly",
                        "no", "--dir", folder, "--loglevel", "warning"]
            # Debian links redis-server with jemalloc; both runs are to be of glibc's malloc.
            env["LD_PRELOAD"] = "libc.so.6"
        options = MODES[mode]
        if options is not None:
            command = [str(binaries / "allocreplay"), "record", "-q", *options, "-o", str(trace),
                       "--", *command]
        with (load.stdin.open("rb") if load.stdin else open(os.devnull, "rb")) as stdin, \
                tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            begin = time.monotonic()
            child = subprocess.Popen(command, env=env, stdin=stdin, stdout=output, stderr=errors,
                                     start_new_session=True)
            try:
                load_seconds = _drive_redis(child, port, quick) if load.server else None
                _, status, usage = os.wait4(child.pid, 0)
                child.returncode = os.waitstatus_to_exitcode(status)
                wall = time.monotonic() - begin
            finally:
                if child.returncode is None:
                    end(child)
            if child.returncode:
                errors.seek(0)
                text = last_line(errors.read().decode(errors="replace"))
                raise Failure(f"{load.name}, {mode}: exit status {child.returncode}: {text}")
            output.seek(0)
            printed = output.read()
        values = {"seconds": wall, "cpu_seconds": usage.ru_utime + usage.ru_stime}
        if options is not None:
            values |= _of_trace(trace, binaries)
        if load_seconds is not None:
            values["seconds"] = load_seconds
        if load.prints_ns:
            values["ns_per_event"] = float(printed)
        return values


def _of_trace(trace: pathlib.Path, binaries: pathlib.Path) -> dict[str, float]:
    document = json.loads(subprocess.run([binaries / "allocreplay", "inspect", "--json", trace],
                                         check=True, capture_output=True).stdout)
    usage = document["provenance"]["usage"]
    lost = document["provenance"]["losses"]["events_lost"]
    if lost:  # they cost less than they would have
        raise Failure(f"the recorder lost {lost} events")
    return {"seconds": usage["wall_ns"] / 1e9,
            "cpu_seconds": (usage["user_ns"] + usage["system_ns"]) / 1e9,
            "recorder_seconds": usage["recorder_ns"] / 1e9,
            "events": document["events"],
            "spool_bytes": document["provenance"]["recorder"]["spool_bytes"],
            "trace_bytes": document["file"]["bytes"]}
