"""The memory that the replay takes for itself: whole plans, streamed ones, and what a result says."""

import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

import jsonschema

SOURCE = pathlib.Path(os.environ["ALLOCREPLAY_SOURCE"])
BIN = pathlib.Path(os.environ["ALLOCREPLAY_BUILD"]) / "bin"
SANITIZED = os.environ.get("ALLOCREPLAY_SANITIZE", "")
TRACE = SOURCE / "traces" / "small.trace"
SCHEMA = json.loads((SOURCE / "results" / "schema" / "result-v1.schema.json").read_text())


def allocreplay(*args, **kwargs):
    return subprocess.run([BIN / "allocreplay", *map(str, args)], capture_output=True, text=True,
                          timeout=300, check=False, **kwargs)


def replay(*args):
    done = allocreplay("--trace", TRACE, *args)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# A program's peak is at least that of whoever starts it, so a small interpreter does.
PRINT_PEAK = """
import os, sys
to_null = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
_, status, usage = os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=to_null), 0)
print(usage.ru_maxrss)
sys.exit(status != 0)
"""


def peak_of_replay(folder, threads, events, plan_memory):
    """Most bytes resident in the tool or a worker, which replays a steady load into nothing."""
    trace = pathlib.Path(folder) / f"{events}.{threads}.trace"
    if not trace.exists():
        allocreplay("generate", "steady", "--param", f"events={events}", "--param", f"threads={threads}",
                    "--seed", "1", "-q", "-o", trace)
    done = subprocess.run([sys.executable, "-ISc", PRINT_PEAK, BIN / "allocreplay", "-t", trace, "-a",
                           "null", "-r", "1", "-q", "--threads", "recorded", "--plan-memory", plan_memory],
                          capture_output=True, text=True, timeout=300, check=True)
    return int(done.stdout) << 10


class Streamed(unittest.TestCase):
    @unittest.skipIf(SANITIZED, "a sanitizer has memory of its own")
    def test_a_streamed_plan_takes_as_much_memory_whatever_the_number_of_events(self):
        for threads in (1, 2):
            with self.subTest(threads=threads), tempfile.TemporaryDirectory() as folder:
                peaks = [peak_of_replay(folder, threads, events, plan_memory)
                         for events, plan_memory in (("500k", "1M"), ("4M", "1M"), ("4M", "1G"))]
                self.assertLess(peaks[1], peaks[0] + (4 << 20))
                self.assertGreater(peaks[2], peaks[1] + (16 << 20))

    def test_a_plan_that_may_take_little_memory_is_streamed(self):
        whole = replay("-a", "mem-classic", "-r", "1", "--threads", "1")
        with TRACE.open("rb") as file:
            done = allocreplay("--trace", "-", "-a", "mem-classic", "-r", "1", "--threads", "1",
                               "--plan-memory", "8k", stdin=file)
        self.assertEqual(done.returncode, 0, done.stderr)
        streamed = json.loads(done.stdout)
        jsonschema.validate(streamed, SCHEMA)
        self.assertTrue(streamed["config"]["plan_streamed"])
        self.assertEqual(streamed["config"]["plan_window_bytes"], 8000)
        self.assertFalse(whole["config"]["plan_streamed"])
        self.assertIsNone(whole["config"]["plan_window_bytes"])
        whole, streamed = whole["results"][1], streamed["results"][1]
        for key in ("event", "total_allocated_bytes"):
            self.assertEqual(whole["series"]["fragmentation"][key], streamed["series"]["fragmentation"][key])
        self.assertEqual(whole["metrics"].keys(), streamed["metrics"].keys())
        if not SANITIZED:
            self.assertEqual(whole["metrics"]["peak_resident_pages"]["value"],
                             streamed["metrics"]["peak_resident_pages"]["value"])

    def test_a_plan_of_threads_at_a_pace_is_streamed_too(self):
        options = ("-a", "mem-classic", "-r", "1", "--threads", "recorded", "--pace", "0.01")
        whole = replay(*options)
        streamed = replay(*options, "--plan-memory", "8k")
        self.assertTrue(streamed["config"]["plan_streamed"])
        self.assertLess(streamed["config"]["plan_bytes"], whole["config"]["plan_bytes"])
        self.assertEqual(whole["config"]["edges_found"], streamed["config"]["edges_found"])
        self.assertEqual(whole["results"][1]["metrics"].keys(), streamed["results"][1]["metrics"].keys())
        whole, streamed = (one["results"][1]["series"] for one in (whole, streamed))
        for key in ("event", "total_allocated_bytes"):
            self.assertEqual(whole["fragmentation"][key], streamed["fragmentation"][key])
        for kind in ("malloc", "free"):
            self.assertEqual(sum(whole["response_histogram"][kind]["count"]),
                             sum(streamed["response_histogram"][kind]["count"]))


class PlanBytes(unittest.TestCase):
    def test_they_are_what_the_worker_of_some_pass_maps(self):
        with tempfile.TemporaryDirectory(prefix="allocreplay-maps-") as name:
            folder = pathlib.Path(name)
            (folder / "bin").mkdir()
            shutil.copy(BIN / "allocreplay", folder / "bin")
            worker = folder / "bin" / "allocreplay-worker"
            worker.write_text(f"""#!/bin/sh
stat -L -c %s /proc/self/fd/$1 /proc/self/fd/$2 | xargs >>{shlex.quote(str(folder))}/log
exec {shlex.quote(str(BIN))}/allocreplay-worker "$@"
""")
            worker.chmod(0o755)
            said = {}
            for pace in ("max", "0.01"):
                for threads in ("1", "recorded"):
                    (folder / "log").write_text("")
                    done = subprocess.run(
                        [folder / "bin" / "allocreplay", "-t", TRACE, "-a", "null", "-r", "1", "-q",
                         "--threads", threads, "--pace", pace],
                        capture_output=True, text=True, timeout=300, check=False)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    document = json.loads(done.stdout)
                    said[pace, threads] = document["config"]["plan_bytes"]
                    mapped = [sum(map(int, line.split()))
                              for line in (folder / "log").read_text().splitlines()]
                    self.assertEqual(max(mapped), said[pace, threads])
            for threads in ("1", "recorded"):  # with a due time for each event
                self.assertEqual(said["0.01", threads] - said["max", threads],
                                 8 * document["trace"]["events"])

    def bytes_an_event(self, *args):
        done = allocreplay("-t", SOURCE / "traces" / "redis.trace", "-a", "null", "-r", "1", "-q",
                           "--threads", "1", *args)
        self.assertEqual(done.returncode, 0, done.stderr)
        document = json.loads(done.stdout)
        return document["config"]["plan_bytes"] / document["trace"]["events"]

    def test_plan_and_tables_take_at_most_16_bytes_an_event(self):
        at_once = self.bytes_an_event()
        self.assertLessEqual(at_once, 16)
        self.assertGreaterEqual(at_once, 8)

    def test_with_due_times_they_take_8_more(self):
        self.assertLessEqual(self.bytes_an_event("--pace", "0.000001", "--touch", "none"), 24)


if __name__ == "__main__":
    unittest.main()
