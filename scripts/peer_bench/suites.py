"""What is measured: jobs, each with the metrics that it gives for one allocator.

Every metric is better when lower. A job measures in fresh processes and leaves nothing behind.
"""

import json
import pathlib
import random
import shutil
import tempfile
import time
from dataclasses import dataclass

from peer_bench import processes, redis
from peer_bench.allocators import BASELINE, Allocator
from peer_bench.plan import ERRORS, outcome_of
from peer_bench.processes import BIN, ROOT, Failure

PROGRAMS = ROOT / "tests/bench/programs"
SUITES = {
    "replay": "recorded traces, replayed by allocreplay",
    "micro": "patterns of allocation: pairs, sets, threads, growth, large blocks",
    "programs": "real programs with each allocator preloaded",
    "history": "redis filled, thinned, refilled, flushed: what stays resident",
    "startup": "resident memory of programs that do nothing",
}


@dataclass(frozen=True)
class Metric:
    key: str
    what: str
    unit: str
    group: str | None = None  # whose geometric mean it counts into


class Job:
    """One thing to measure; subclasses give `measure` or, for all at once, `measure_all`."""

    suite = ""
    timeout_s = 120.0

    def __init__(self, name: str, metrics: list[Metric], needs: str | None = None):
        self.name = name
        self.metrics = metrics
        self.missing = needs and not shutil.which(needs) and f"{needs} not installed" or None

    def takes(self, allocator: Allocator) -> bool:
        return allocator.kind != "floor"

    def measure(self, allocator: Allocator) -> dict[str, float]:
        raise NotImplementedError

    def measure_all(self, allocators: list[Allocator]):
        """Yields (allocator, outcome) as they come."""
        for allocator in allocators:
            yield allocator, outcome_of(self.measure, allocator)


# ---- replay ----


def percentile(histograms: list[dict], share: float) -> float:
    """Of several histograms of allocreplay together; within a bucket linear."""
    buckets = sorted((low, high, count) for h in histograms
                     for low, high, count in zip(h["lower"], h["upper"], h["count"]) if count)
    rank = share * sum(count for _, _, count in buckets)
    seen = 0
    for low, high, count in buckets:
        if seen + count >= rank:
            return low + (high - low) * (rank - seen) / count
        seen += count
    raise Failure("allocreplay: no latency histogram")


class Replay(Job):
    suite = "replay"
    timeout_s = 600.0

    def __init__(self, trace: pathlib.Path, events: str | None = None):
        super().__init__(trace.stem, [
            Metric("time_per_event_ns", "time per event", "ns", "replay: time"),
            Metric("latency_p999_ns", "p99.9 latency of a call", "ns", "replay: p99.9 latency"),
            Metric("peak_kib", "peak resident", "KiB", "replay: peak resident")])
        self.command = [BIN / "allocreplay", "--trace", trace, "--repeat", "1", "--quiet",
                        "--threads", "1"]
        if events:
            self.command += ["--events", events]

    def _values(self, result: dict) -> dict[str, float]:
        metrics, series = result["metrics"], result["series"]
        return {"time_per_event_ns": metrics["time_per_event_ns"]["value"],
                "latency_p999_ns": percentile(list(series["latency_histogram"].values()), 0.999),
                "peak_kib": metrics["peak_resident_pages"]["value"]
                * series["fragmentation"]["page_size_bytes"] / 1024}

    def _replay(self, allocators: list[Allocator]) -> list[dict[str, float]]:
        """The values of each, from one run of allocreplay, which always measures glibc first."""
        others = [a for a in allocators if a.name != BASELINE]
        named = [word for a in others for word in ("--allocator", a.library)]
        document = json.loads(processes.run(self.command + (named or ["--allocator", BASELINE]),
                                            self.timeout_s, processes.environment()))
        glibc, *rest = map(self._values, document["results"])
        values = dict(zip([a.name for a in others], rest, strict=True)) | {BASELINE: glibc}
        return [values[a.name] for a in allocators]

    def measure(self, allocator):
        return self._replay([allocator])[0]

    def measure_all(self, allocators):
        try:
            yield from zip(allocators, [{"values": v} for v in self._replay(allocators)])
        except ERRORS:  # one may have failed all: each by itself says which
            yield from super().measure_all(allocators)


# ---- micro ----

GROUPS = {
    "hot-": "hot pair, 16 B to 1 KiB",
    "set-": "sets of 10,000 objects",
    "hand-over-": "freed by another thread",
    "larson": "freed by another thread",
    "local-": "thread-local load",
    "random-": "random sizes and lifetimes",
    "realloc-": "growth by realloc",
    "large-": "large blocks",
}


def micro_group(pattern: str) -> str:
    """The group of a pattern's times, by how its name begins."""
    if pattern.startswith("hot-") and pattern.endswith("k"):
        return "micro: hot pair, 2 to 32 KiB"
    group = next((group for head, group in GROUPS.items() if pattern.startswith(head)), "others")
    return f"micro: {group}"


class Pattern(Job):
    suite = "micro"
    timeout_s = 60.0

    def __init__(self, name: str, floor: str, divisor: int):
        metrics = [Metric("ns", "time per operation", "ns", micro_group(name))]
        if "hot-" not in name:  # one object alive says nothing
            metrics.append(Metric("peak_kib", "peak resident", "KiB", "micro: peak resident"))
        super().__init__(name, metrics)
        self.floor, self.divisor = floor, divisor

    def takes(self, allocator):
        return allocator.kind != "floor" or self.floor != "none"

    def measure(self, allocator):
        floor = ["--floor"] if allocator.kind == "floor" else []
        printed = processes.run(
            [BIN / "peer_patterns", self.name, "--divide", self.divisor, *floor], self.timeout_s,
            processes.environment(allocator.preload))
        result = json.loads(printed)
        return {"ns": result["ns_median"], "ns_best": result["ns_best"],
                "peak_kib": result["peak_kib"]}


def patterns(divisor: int) -> list[Job]:
    listed = processes.run([BIN / "peer_patterns", "--list"], 30, processes.environment())
    return [Pattern(*line.split("\t"), divisor) for line in listed.splitlines()]


# ---- programs and startup ----


def run_measured(command: list, allocator: Allocator, timeout: float, stdin: str = "",
                 **variables: str) -> dict:
    """What peer_run says of a command under an allocator."""
    with tempfile.TemporaryDirectory(prefix="bench_peers-") as folder:
        output = pathlib.Path(folder, "cost.json")
        env = processes.environment(**variables)
        if allocator.preload:
            env["PEER_PRELOAD"] = allocator.preload
        processes.run([BIN / "peer_run", output, *command], timeout, env, stdin, cwd=folder)
        return json.loads(output.read_text(encoding="utf-8"))


def program_metrics() -> list[Metric]:
    return [Metric("cpu_s", "CPU time", "s", "programs: CPU time"),
            Metric("peak_kib", "peak resident", "KiB", "programs: peak resident")]


class Program(Job):
    suite = "programs"

    def __init__(self, name: str, command: list, stdin: str = "", **variables: str):
        super().__init__(name, program_metrics(), needs=str(command[0]))
        self.command, self.stdin, self.variables = command, stdin, variables

    def measure(self, allocator):
        cost = run_measured(self.command, allocator, self.timeout_s, self.stdin, **self.variables)
        return {"cpu_s": cost["user_s"] + cost["system_s"], "wall_s": cost["wall_s"],
                "peak_kib": cost["max_rss_kib"]}


class RedisLoad(Job):
    """redis-server's own CPU time and peak while redis-benchmark loads it."""

    suite = "programs"

    def __init__(self, divisor: int):
        super().__init__("redis-server", program_metrics(), needs="redis-server")
        if not shutil.which("redis-benchmark"):
            self.missing = "redis-benchmark not installed"
        self.loads = [["-n", str(requests // divisor), "-d", size, "-t", tests]
                      for requests, size, tests in (
                          (100_000, "48", "set,get,lpush,sadd,hset,zadd"),
                          (150_000, "700", "set"), (30_000, "3000", "set,get"))]

    def measure(self, allocator):
        with redis.server(allocator.preload) as server:
            started = server.cpu_ns()
            for load in self.loads:
                processes.run(["redis-benchmark", "-h", "127.0.0.1", "-p", server.port, "-q",
                               "-c", "20", "-P", "16", "-r", "100000", *load], self.timeout_s,
                              processes.environment())
            return {"cpu_s": (server.cpu_ns() - started) / 1e9,
                    "peak_kib": server.status_kib("VmHWM")}


def programs(divisor: int) -> list[Job]:
    scale = 4 // divisor
    rows = (PROGRAMS / "rows.sql").read_text(encoding="utf-8")
    compiled = PROGRAMS / "templates.cc"
    instances = f"-DINSTANCES={3 if divisor == 1 else 1}"
    return [
        RedisLoad(divisor),
        Program("python3", ["/usr/bin/python3", "-S", PROGRAMS / "objects.py", scale],
                PYTHONMALLOC="malloc", PYTHONHASHSEED="1"),
        Program("perl", ["perl", PROGRAMS / "words.pl", scale], PERL_HASH_SEED="1"),
        Program("g++ -O0", ["g++", "-std=c++20", "-O0", instances, "-S", "-o", "out.s", compiled]),
        Program("clang++ -O1",
                ["clang++", "-std=c++20", "-O1", instances, "-S", "-o", "out.s", compiled]),
        Program("sqlite3", ["sqlite3", ":memory:"],
                rows.replace("80000", str(80_000 // divisor))),
    ]


class Startup(Job):
    suite = "startup"
    timeout_s = 20.0

    def __init__(self, name: str, command: list[str]):
        peak = Metric("peak_kib", "peak resident", "KiB", "startup: peak resident")
        super().__init__(name, [peak], needs=command[0])
        self.command = command

    def measure(self, allocator):
        cost = run_measured(self.command, allocator, self.timeout_s)
        return {"peak_kib": max(cost["high_water_kib"], cost["at_exit_kib"])}


def startup() -> list[Job]:
    return [Startup("true", ["true"]), Startup("bash -c :", ["bash", "-c", ":"]),
            Startup("python3 -S -c pass", ["/usr/bin/python3", "-S", "-c", "pass"]),
            Startup("perl -e 1", ["perl", "-e", "1"])]


# ---- history ----


class History(Job):
    """Fill, delete a random three quarters, refill with values twice as large, flush."""

    suite = "history"

    def __init__(self, divisor: int):
        def ratio(step, what):
            return [Metric(f"{step}_ratio", f"{what}: resident / used", "", None),
                    Metric(f"{step}_mib", f"{what}: resident", "MiB", None)]
        super().__init__("redis", [
            *ratio("filled", "filled"), *ratio("thinned", "three quarters deleted"),
            *ratio("refilled", "refilled with larger values"),
            Metric("flushed_mib", "flushed: resident above the start", "MiB", None)],
            needs="redis-server")
        self.keys = 120_000 // divisor

    def measure(self, allocator):
        rng = random.Random(5)
        block = b"x" * 8192

        def fill(keys, factor):
            return ([b"SET", b"key:%d" % key, block[:int(factor * 16 * 2 ** (rng.random() * 7))]]
                    for key in keys)

        deleted = [key for key in range(self.keys) if rng.random() < 0.75]
        rng.shuffle(deleted)
        result = {}
        with redis.server(allocator.preload) as server:
            def settle(step=None):
                server.pipeline([[b"PING"]] * 5)
                resident = server.status_kib("VmRSS") / 1024
                if step:
                    used = server.used_bytes() / (1 << 20)
                    result.update({f"{step}_mib": resident, f"{step}_used_mib": used,
                                   f"{step}_ratio": resident / used})
                return resident

            start = settle()
            server.pipeline(fill(range(self.keys), 1))
            settle("filled")
            server.pipeline([b"DEL", b"key:%d" % key] for key in deleted)
            settle("thinned")
            server.pipeline(fill(deleted, 2))
            settle("refilled")
            server.pipeline([[b"FLUSHALL"]])
            time.sleep(1)  # an allocator that gives memory back after a while has its while
            result["flushed_mib"] = settle() - start
        return result


def inputs(suite: str) -> list[pathlib.Path]:
    """The files whose change makes the suite's work another one.

    Of allocreplay the sources: the programs hold mem and the revision as well, and would be others
    with every change of mem.
    """
    server = shutil.which("redis-server")
    replays = [file for folder in ("engine", "metrics")
               for file in sorted((ROOT / "replay" / folder).glob("*.[ch]*"))]
    files = {
        "replay": [*replays, *sorted((ROOT / "traces").glob("*.trace"))],
        "micro": [BIN / "peer_patterns"],
        "programs": [BIN / "peer_run", redis.__file__, *sorted(PROGRAMS.glob("*.*"))],
        "history": [redis.__file__, *([server] if server else [])],
        "startup": [BIN / "peer_run"]}
    return [pathlib.Path(file) for file in (__file__, *files[suite])]


def jobs(suites: list[str], quick: bool) -> list[Job]:
    """All jobs of the suites; pre: the programs are built."""
    divisor = 4 if quick else 1
    result: list[Job] = []
    for suite in suites:
        if suite == "replay":
            traces = sorted((ROOT / "traces").glob("*.trace"))
            result += [Replay(trace, "0:400k" if quick else None) for trace in traces]
        elif suite == "micro":
            result += patterns(divisor)
        elif suite == "programs":
            result += programs(divisor)
        elif suite == "history":
            result.append(History(divisor))
        elif suite == "startup":
            result += startup()
    return result
