"""The main job, as a user runs it: allocreplay --trace FILE --allocator NAME."""

import contextlib
import hashlib
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest

import jsonschema

SOURCE = pathlib.Path(os.environ["ALLOCREPLAY_SOURCE"])
BIN = pathlib.Path(os.environ["ALLOCREPLAY_BUILD"]) / "bin"
SANITIZED = os.environ.get("ALLOCREPLAY_SANITIZE", "")
TRACE = SOURCE / "traces" / "small.trace"
SCHEMA = json.loads((SOURCE / "results" / "schema" / "result-v1.schema.json").read_text())


def allocreplay(*args, encoding="utf-8", **kwargs):
    return subprocess.run([BIN / "allocreplay", *map(str, args)], capture_output=True,
                          encoding=encoding, timeout=300, check=False, **kwargs)


def replay(*args):
    done = allocreplay("--trace", TRACE, *args)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def disturbed(metrics, repetition):
    """The timed calls that stand in no histogram."""
    return sum(metrics[key]["samples"][repetition]
               for key in ("latency_windows_preempted", "latency_windows_migrated")
               if key in metrics)


class InProcess(unittest.TestCase):
    """mem-classic and null are linked into the worker: no preloading."""

    @classmethod
    def setUpClass(cls):
        cls.document, cls.stderr = replay("-a", "mem-classic", "-a", "null", "-r", "2")

    def test_the_document_is_valid(self):
        jsonschema.validate(self.document, SCHEMA)

    def test_every_allocator_stands_beside_glibc_under_one_binding(self):
        rows = [(r["allocator"], r["binding"]) for r in self.document["results"]]
        self.assertEqual(rows, [(name, "in-process") for name in ("glibc", "mem-classic", "null")])
        pairs = [(c["baseline"], c["subject"]) for c in self.document["comparison"]]
        self.assertEqual(pairs, [("glibc", "mem-classic"), ("glibc", "null")])

    def test_null_is_what_calibrates_wherever_it_is_named(self):
        document, _ = replay("-a", "null", "-a", "mem-classic", "-r", "1")
        metrics = {r["allocator"]: r["metrics"] for r in document["results"]}
        self.assertEqual(list(metrics), ["glibc", "mem-classic", "null"])
        for each in metrics.values():
            self.assertEqual(each["harness_cost_per_event_ns"]["value"],
                             metrics["null"]["time_per_event_ns"]["value"])

    def test_every_call_of_the_trace_is_timed_in_every_repetition(self):
        counts = {k: m["samples"] for k, m in self.document["results"][1]["metrics"].items()
                  if k.startswith("latency_ns_") and k.endswith("_count")}
        total = sum(samples[0] for samples in counts.values())
        total += disturbed(self.document["results"][1]["metrics"], 0)
        self.assertEqual(total, self.document["trace"]["events"])
        for op, histogram in self.document["results"][1]["series"]["latency_histogram"].items():
            self.assertEqual(sum(histogram["count"]), sum(counts[f"latency_ns_{op}_count"]))

    def test_counters_are_there_with_their_passes_or_absent(self):
        passes = self.document["config"]["passes"]
        for result in self.document["results"]:
            keys = result["metrics"].keys()
            self.assertEqual("counters" in passes, "counter_instructions_per_event" in keys)
            self.assertEqual("call-counters" in passes, "counter_instructions_malloc" in keys)
            self.assertTrue("counters" in passes or not any("counter" in key for key in keys))

    def test_the_trace_is_identified(self):
        self.assertEqual(self.document["trace"]["sha256"],
                         hashlib.sha256(TRACE.read_bytes()).hexdigest())

    def test_the_harness_holds_no_pages_of_its_own(self):
        metrics = self.document["results"][2]["metrics"]
        if not SANITIZED:
            self.assertLessEqual(metrics["peak_resident_pages"]["value"], 2)
            self.assertLessEqual(metrics["peak_mapped_pages"]["value"], 2)

    def test_the_table_is_on_stderr(self):
        self.assertIn("mem-classic against glibc (in-process), 2 repetitions", self.stderr)
        self.assertIn("throughput_events_per_s", self.stderr)


@unittest.skipIf(SANITIZED, "a sanitizer's malloc and a preloaded one exclude each other")
class Preloaded(unittest.TestCase):
    def test_mem_is_preloaded_and_compared_with_plain_glibc(self):
        document, _ = replay("--allocator", "mem", "-r", "2")
        jsonschema.validate(document, SCHEMA)
        glibc, mem = document["results"]
        self.assertEqual((glibc["allocator"], glibc["binding"], glibc["library"]),
                         ("glibc", "preload", None))
        self.assertEqual((mem["allocator"], mem["binding"]), ("mem", "preload"))
        self.assertTrue(mem["library"].endswith("/lib/libmem.so"))
        self.assertGreater(mem["metrics"]["peak_resident_pages"]["value"], 0)

    def test_any_library_may_be_named_by_its_path(self):
        library = BIN.parent / "lib" / "libmem.so"
        document, _ = replay("-a", library, "-r", "1")
        self.assertEqual(document["results"][1]["allocator"], "libmem.so")

    def test_libraries_of_one_file_name_are_told_apart(self):
        with tempfile.TemporaryDirectory() as folder:
            paths = [pathlib.Path(folder) / place / "libx.so" for place in ("before", "after")]
            for path in paths:
                path.parent.mkdir()
                shutil.copy(BIN.parent / "lib" / "libmem.so", path)
            document, _ = replay("-a", paths[0], "-a", paths[1], "-r", "1")
            self.assertEqual([(r["allocator"], r["library"]) for r in document["results"][1:]],
                             [(f"{path.parent.name}/libx.so", str(path)) for path in paths])

    def test_two_bindings_are_not_compared(self):
        document, _ = replay("-a", "mem", "-a", "mem-classic", "-r", "1")
        self.assertEqual([(c["subject"], c["binding"]) for c in document["comparison"]],
                         [("mem", "preload"), ("mem-classic", "in-process")])
        self.assertEqual([r["allocator"] for r in document["results"]].count("glibc"), 2)


class Options(unittest.TestCase):
    def test_output_goes_to_a_file_and_quiet_is_quiet(self):
        with tempfile.TemporaryDirectory() as folder:
            target = pathlib.Path(folder) / "r.json"
            done = allocreplay("-t", TRACE, "-a", "null", "-r", "1", "-q", "-o", target)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
            jsonschema.validate(json.loads(target.read_text()), SCHEMA)
            self.assertEqual(os.listdir(folder), ["r.json"])

    def test_a_terminal_sees_progress_that_is_wiped_at_the_end(self):
        # Each of the 60 latency runs lasts 20 ms at the least, so the whole outlasts the second
        # after which the bar appears.
        terminal, stderr = pty.openpty()
        command = [BIN / "allocreplay", "-t", TRACE, "-a", "mem-classic", "-r", "20", "-o"]
        with subprocess.Popen([*command, "/dev/null"], stderr=stderr) as process:
            os.close(stderr)
            text = b""
            with contextlib.suppress(OSError):  # EIO: the other end is closed
                while chunk := os.read(terminal, 4096):
                    text += chunk
        os.close(terminal)
        self.assertEqual(process.returncode, 0)
        self.assertRegex(text, rb"\[#*\.*\] +\d+ %  [a-z-]+ [a-z]+, repetition \d+ of 20")
        self.assertRegex(text, rb"\r\x1b\[K(mem-classic against glibc|warning)")

    def test_a_range_is_measured_and_what_comes_before_is_warm_up(self):
        document, _ = replay("-a", "null", "-r", "1", "--events", "100:300")
        self.assertEqual((document["trace"]["first_event"], document["trace"]["last_event"]),
                         (100, 300))
        self.assertEqual(document["config"]["warmup_events"], 100)
        metrics = document["results"][1]["metrics"]
        calls = sum(m["value"] for k, m in metrics.items() if k.endswith("_count"))
        self.assertEqual(calls + disturbed(metrics, 0), 200)

    def test_touching_nothing_holds_fewer_pages(self):
        def pages(policy):
            document, _ = replay("-a", "mem-classic", "-r", "1", "--touch", policy)
            self.assertEqual(document["config"]["touch"], policy)
            return document["results"][1]["metrics"]["peak_resident_pages"]["value"]
        if not SANITIZED:
            self.assertLess(pages("none"), pages("page"))
            self.assertLessEqual(abs(pages("page") - pages("all")), 4)

    def test_touching_what_the_recorded_program_touched(self):
        rows = [f"0\t0\tmalloc\t{i}\t{100 * 4096}\t0\t0" for i in range(20)]
        rows += [f"0\t0\tfree\t{i}\t0\t0\t11" for i in range(20)]  # 10 pages
        text = "\n".join(["# allocreplay trace, text form 1",
                          "time_ns\tthread\top\tobject\tsize\talign_log2\ttouched", *rows,
                          f"# end\t{len(rows)}\n"])
        with tempfile.TemporaryDirectory() as folder:
            trace = pathlib.Path(folder) / "touched.trace"
            done = allocreplay("convert", "-", trace, "-q", input=text)
            self.assertEqual(done.returncode, 0, done.stderr)

            def pages(policy):
                done = allocreplay("-t", trace, "-a", "mem-classic", "-a", "null", "-r", "1",
                                   "--touch", policy)
                self.assertEqual(done.returncode, 0, done.stderr)
                document = json.loads(done.stdout)
                jsonschema.validate(document, SCHEMA)
                self.assertEqual(document["config"]["touch"], policy)
                return document["results"][1]["metrics"]["peak_resident_pages"]["value"]
            if not SANITIZED:
                # The allocator itself writes on up to two pages beside a block.
                none = pages("none")
                self.assertLess(none, 60)
                self.assertTrue(200 <= pages("recorded") <= 200 + none)
                self.assertGreaterEqual(pages("page"), 2000)

    def test_a_trace_may_come_from_standard_input(self):
        data = TRACE.read_bytes()
        streamed = subprocess.run([BIN / "allocreplay", "slice", TRACE, "-e", ":", "-o", "-"],
                                  capture_output=True, check=True).stdout
        for source in (data, streamed):
            done = subprocess.run([BIN / "allocreplay", "--trace", "-", "-a", "null", "-r", "1"],
                                  input=source, capture_output=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            trace = json.loads(done.stdout)["trace"]
            self.assertEqual(trace["sha256"], hashlib.sha256(source).hexdigest())
            self.assertEqual((trace["path"], trace["events"]), ("standard input", 8612))
        with TRACE.open("rb") as file:
            done = allocreplay("--trace", "-", "-a", "null", "-r", "1", stdin=file)
            self.assertEqual(json.loads(done.stdout)["trace"]["sha256"],
                             hashlib.sha256(data).hexdigest())

    def test_or_from_a_pipe_that_has_a_path(self):
        data = TRACE.read_bytes()
        with tempfile.TemporaryDirectory() as folder:
            pipe = pathlib.Path(folder) / "pipe"
            os.mkfifo(pipe)
            writer = threading.Thread(target=pipe.write_bytes, args=(data,))
            writer.start()
            done = allocreplay("--trace", pipe, "-a", "null", "-r", "1")
            writer.join()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["trace"]["sha256"],
                         hashlib.sha256(data).hexdigest())

    @unittest.skipIf(SANITIZED, "a sanitizer keeps what was freed")
    def test_a_path_may_be_any_bytes(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.fsencode(folder) + b"/\xff.trace"
            os.symlink(TRACE, path)
            done = subprocess.run([BIN / "allocreplay", "-t", path, "-a", "null", "-r", "1", "-q"],
                                  capture_output=True, timeout=300, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("/\ufffd.trace", json.loads(done.stdout)["trace"]["path"])

    def test_list_and_version(self):
        listed = json.loads(allocreplay("list", "--json").stdout)
        names = [row["name"] for row in listed["allocators"]]
        self.assertEqual(names, ["mem", "mem-classic", "glibc", "null", "bump"])
        for name in names:
            self.assertIn(name, allocreplay("list").stdout)
        self.assertRegex(allocreplay("--version").stdout, r"allocreplay \d+\.\d+\.\d+ \(git ")


class Threads(unittest.TestCase):
    """small.trace is of five threads."""

    def test_each_recorded_thread_is_replayed_by_one_of_its_own(self):
        document, _ = replay("-a", "mem-classic", "-r", "2")
        jsonschema.validate(document, SCHEMA)
        config = document["config"]
        self.assertEqual((config["threads"], config["threads_replayed"]), ("recorded", 5))
        self.assertLessEqual(config["threads_at_once"], 5)
        self.assertGreaterEqual(config["edges_found"], config["edges_enforced"])
        self.assertGreater(config["edges_enforced"], 0)
        metrics = document["results"][1]["metrics"]
        self.assertGreaterEqual(metrics["threads_overlapped_share"]["value"], 0)
        self.assertLessEqual(metrics["threads_overlapped_share"]["value"], 1)
        calls = sum(m["value"] for k, m in metrics.items()
                    if re.match("latency_(.*_count|windows_.*)$", k))
        self.assertEqual(calls, document["trace"]["events"])

    def test_one_thread_may_replay_them_all(self):
        document, _ = replay("-a", "null", "-r", "1", "--threads", "1")
        jsonschema.validate(document, SCHEMA)
        self.assertEqual(document["config"]["threads_replayed"], 1)
        self.assertEqual(document["config"]["edges_found"], 0)
        self.assertNotIn("threads_waited_ns", document["results"][1]["metrics"])

    def test_or_some(self):
        document, _ = replay("-a", "null", "-r", "1", "--threads", "2", "-e", "2000:4000")
        self.assertEqual(document["config"]["threads_replayed"], 2)
        self.assertEqual(document["config"]["threads"], "2")

    def test_live_bytes_at_the_checkpoints_do_not_depend_on_threads(self):
        def live(threads):
            document, _ = replay("-a", "null", "-r", "1", "--threads", threads)
            return document["results"][1]["series"]["fragmentation"]["total_allocated_bytes"]
        self.assertEqual(live("1"), live("recorded"))


class Pace(unittest.TestCase):
    def test_response_times_stand_beside_service_times(self):
        document, table = replay("-a", "mem-classic", "-r", "1", "--pace", "0.01")
        for operation in ("malloc", "calloc", "aligned", "realloc", "free"):
            for share in ("p50", "p99"):
                key = f"response_ns_{operation}_{share}"
                self.assertEqual(key in document["results"][1]["metrics"], f"{key} " in table, key)
        self.assertRegex(table, r"response_ns_malloc_p99 +[0-9.]+( [kMG])? ns +[0-9.]+")
        jsonschema.validate(document, SCHEMA)
        self.assertEqual(document["config"]["pace"], 0.01)
        result = document["results"][1]
        response = result["series"]["response_histogram"]
        self.assertEqual(response.keys(), result["series"]["latency_histogram"].keys())
        difference = 0
        for op in response:
            of = {kind: result["metrics"][f"{kind}_ns_{op}_count"]["value"]
                  for kind in ("latency", "response")}
            difference += of["response"] - of["latency"]
            self.assertGreaterEqual(result["metrics"][f"response_ns_{op}_max"]["value"],
                                    result["metrics"][f"latency_ns_{op}_max"]["value"])
        disturbed = [m["value"] for k, m in result["metrics"].items()
                     if k.startswith("latency_windows_")]
        self.assertEqual(difference, sum(disturbed))
        self.assertTrue(result["series"]["latency_by_class"])
        self.assertTrue(result["series"]["latency_worst"])

    def test_full_speed_has_none(self):
        document, _ = replay("-a", "null", "-r", "1")
        self.assertEqual(document["config"]["pace"], "max")
        self.assertNotIn("response_histogram", document["results"][1]["series"])
        self.assertFalse([k for k in document["results"][1]["metrics"] if k.startswith("response")])


class Errors(unittest.TestCase):
    def check(self, code, expected, *args):
        done = allocreplay(*args)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertIn(expected, done.stderr)

    def test_wrong_usage_is_2(self):
        self.check(2, "--trace FILE is required")
        self.check(2, "no allocator is called 'nomalloc'", "-t", TRACE, "-a", "nomalloc")
        self.check(2, "not expected", "--bogus")
        self.check(2, "no range of events", "-t", TRACE, "-a", "null", "-e", "17")
        self.check(2, "--repeat", "-t", TRACE, "-r", "0")
        self.check(2, "--threads 0: expected 'recorded' or a number", "-t", TRACE, "--threads", "0")
        for option in (("--threads", "2"), ("--pace", "1")):
            self.check(2, "--cost ", "-t", TRACE, "--cost", "instructions", *option)
        self.check(2, "--output before 'compare' is an option of a replay", "-o", "v.json",
                   "compare", "a", "b")
        self.check(2, "--repeat before 'ab'", "-r", "9", "ab", "-t", TRACE)
        self.check(2, "--pace fast: expected 'max' or a factor", "-t", TRACE, "--pace", "fast")

    def test_bad_input_is_1(self):
        self.check(1, "/nowhere", "-t", "/nowhere/x.trace", "-a", "null")
        self.check(1, "no event to replay", "-t", TRACE, "-a", "null", "-e", "1G:2G")
        self.check(1, "cannot create", "-t", TRACE, "-a", "null", "-o", "/nowhere/r.json")
        self.check(1, "does not say how much of each block was touched; record it with --residency",
                   "-t", TRACE, "-a", "null", "--touch", "recorded")
        for data in ("no trace, " * 1_000_000, "", TRACE.read_bytes()[:5000].decode("latin1")):
            done = allocreplay("-t", "-", "-a", "null", input=data, encoding="latin1")
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, "^allocreplay: standard input: .*(expected|cut short)")

    def test_a_truncated_trace_is_1_and_usable_on_demand(self):
        whole = (SOURCE / "traces" / "redis.trace").read_bytes()
        with tempfile.TemporaryDirectory() as folder:
            cut = pathlib.Path(folder) / "cut.trace"
            cut.write_bytes(whole[:len(whole) * 3 // 4])
            self.check(1, "at byte", "-t", cut, "-a", "null")
            for memory in ("256M", "8k"):
                done = allocreplay("-t", cut, "-a", "null", "-r", "1", "--allow-truncated",
                                   "--plan-memory", memory)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("warning", done.stderr)
                trace = json.loads(done.stdout)["trace"]
                self.assertIn("at byte", trace["truncation"])
                self.assertGreater(trace["last_event"], 100_000)
                self.assertLess(trace["last_event"], trace["events"])

    def test_what_a_worker_prints_does_not_mix_with_the_result(self):
        """The dynamic linker prints on standard output if told to, in each process."""
        done = subprocess.run([BIN / "allocreplay", "-t", TRACE, "-a", "null", "-r", "1", "-q"],
                              env={**os.environ, "LD_SHOW_AUXV": "1"}, capture_output=True,
                              text=True, check=True)
        self.assertEqual(done.stdout.count("AT_ENTRY"), 1)
        json.loads(done.stdout[done.stdout.index("{"):])

    def test_it_may_be_started_without_standard_streams_and_deaf_to_its_children(self):
        def bereave():
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            os.close(2)
        with tempfile.TemporaryDirectory() as folder:
            target = pathlib.Path(folder) / "r.json"
            done = subprocess.run([BIN / "allocreplay", "-t", TRACE, "-a", "null", "-r", "1", "-o",
                                   target, "--plan-memory", "64K"], preexec_fn=bereave, check=False)
            self.assertEqual(done.returncode, 0)
            json.loads(target.read_text())

    def test_nothing_half_written_stays_when_a_run_fails(self):
        with tempfile.TemporaryDirectory() as folder:
            target = pathlib.Path(folder) / "r.json"
            self.check(1, "cannot", "-t", "/nowhere/x.trace", "-a", "null", "-o", target)
            self.assertEqual(os.listdir(folder), [])


if __name__ == "__main__":
    unittest.main()
