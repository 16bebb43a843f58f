"""allocreplay compare and ab, as a user runs them."""

import copy
import hashlib
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

import jsonschema

SOURCE = pathlib.Path(os.environ["ALLOCREPLAY_SOURCE"])
BIN = pathlib.Path(os.environ["ALLOCREPLAY_BUILD"]) / "bin"
TRACE = SOURCE / "traces" / "small.trace"
SANITIZED = os.environ.get("ALLOCREPLAY_SANITIZE", "")
SCHEMA = json.loads((SOURCE / "results" / "schema" / "verdict-v1.schema.json").read_text())


def allocreplay(*args, stdin=""):
    return subprocess.run([BIN / "allocreplay", *map(str, args)], input=stdin, capture_output=True,
                          text=True, timeout=300, check=False)


def allocator(name, time, pages, binding="preload"):
    def metric(values, unit, better):
        return {"value": values[0], "unit": unit, "better": better, "interval": None,
                "samples": values}
    return {"allocator": name, "binding": binding, "library": None, "metrics": {
        "time_per_event_ns": metric([time * (1 + i * 1e-4) for i in range(12)], "ns", "lower"),
        "peak_resident_pages": metric([pages] * 12, "pages", "lower"),
        "calls_count": metric([5] * 12, "calls", "none")}, "series": {}}


def result(*allocators):
    return {"schema": "allocreplay-result", "schema_version": "1.0",
            "context": {"date": "2026-01-02T03:04:05Z", "host": {"kernel": "6.1", "cpu": "a CPU"},
                        "build": {"build_type": "Release", "sanitizers": "", "assertions": False}},
            "trace": {"path": "x.trace", "sha256": "0" * 64, "first_event": 0, "last_event": 9},
            "config": {"touch": "page", "repetitions": 12},
            "results": list(allocators), "comparison": []}


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="allocreplay-verdict-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.before = result(allocator("glibc", 20, 1000), allocator("mem", 10, 1100))

    def write(self, name, document):
        path = self.folder / name
        path.write_text(json.dumps(document))
        return path

    def compare(self, after, *args, before=None):
        return allocreplay("compare", self.write("before.json", before or self.before),
                           self.write("after.json", after), *args)

    def verdicts(self, after, *args):
        done = self.compare(after, "--format", "json", *args)
        document = json.loads(done.stdout)
        jsonschema.validate(document, SCHEMA)
        self.assertEqual(done.returncode, document["exit_code"])
        return {key: metric["verdict"]
                for key, metric in document["comparisons"][0]["metrics"].items()}, document


class Compare(Case):
    def test_the_same_is_0(self):
        verdicts, document = self.verdicts(self.before)
        self.assertEqual(verdicts, {"time_per_event_ns": "same", "peak_resident_pages": "same"})
        self.assertEqual(document["exit_code"], 0)
        self.assertEqual(document["comparisons"][0]["reference"], "glibc")
        self.assertEqual(document["context_differences"], [])

    def test_worse_is_3(self):
        verdicts, document = self.verdicts(
            result(allocator("glibc", 20, 1000), allocator("mem", 11, 1100)))
        self.assertEqual(verdicts["time_per_event_ns"], "worse")
        self.assertEqual(document["exit_code"], 3)
        verdicts, document = self.verdicts(
            result(allocator("glibc", 20, 1000), allocator("mem", 9, 1100)))
        self.assertEqual((verdicts["time_per_event_ns"], document["exit_code"]), ("better", 0))

    def test_what_the_reference_drifted_is_allowed_for(self):
        verdicts, document = self.verdicts(
            result(allocator("glibc", 24, 1000), allocator("mem", 13, 1100)))
        self.assertEqual(verdicts["time_per_event_ns"], "cannot tell")
        self.assertEqual(document["exit_code"], 4)
        metric = document["comparisons"][0]["metrics"]["time_per_event_ns"]
        self.assertAlmostEqual(metric["drift"], 0.2, 2)
        self.assertEqual(metric["reference_metric"], "time_per_event_ns")
        self.assertIn("drifted", metric["why"])

    def test_a_metric_and_a_threshold_are_chosen(self):
        after = result(allocator("glibc", 20, 1000), allocator("mem", 11, 1130))
        verdicts, _ = self.verdicts(after, "-m", "peak_*")
        self.assertEqual(verdicts, {"peak_resident_pages": "worse"})
        verdicts, document = self.verdicts(after, "-m", "peak_*", "--threshold", "5%")
        self.assertEqual(verdicts, {"peak_resident_pages": "same"})
        self.assertEqual(document["design"]["threshold"], 0.05)

    def test_what_differs_is_named(self):
        after = copy.deepcopy(self.before)
        after["context"]["host"]["kernel"] = "6.2"
        done = self.compare(after)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("differs: host.kernel: 6.1 -> 6.2", done.stdout)

    def test_what_only_one_of_them_has_is_named(self):
        after = copy.deepcopy(self.before)
        del after["results"][1]["metrics"]["peak_resident_pages"]
        before = copy.deepcopy(self.before)
        before["results"].append(allocator("other", 5, 500))
        done = self.compare(after, before=before)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"note: not compared of mem: .*: peak_resident_pages\n")
        self.assertRegex(done.stdout, r"note: not compared: other, measured in .*before.json alone")

    def test_what_is_not_comparable_is_refused_unless_allowed(self):
        def changed(*path, to):
            after = copy.deepcopy(self.before)
            inner = after
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = to
            return after
        for what, after in {
                "trace": changed("trace", "sha256", to="1" * 64),
                "schema": changed("schema_version", to="2.0"),
                "config": changed("config", "touch", to="none"),
                "debug": changed("context", "build", "assertions", to=True),
                "allocator": result(allocator("glibc", 20, 1000), allocator("other", 10, 1100)),
                "binding": result(allocator("mem", 10, 1100, "in-process"))}.items():
            done = self.compare(after)
            self.assertEqual((done.returncode, done.stdout), (1, ""), what)
            self.assertIn(f"--allow {what} ", done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
            allowed = self.compare(after, "--allow", what)
            self.assertIn(allowed.returncode, (0, 4), allowed.stderr)

    def test_two_traces_have_no_floor_in_common(self):
        for floor, expected in ((550, 2), (600, None)):
            before, after = copy.deepcopy(self.before), copy.deepcopy(self.before)
            before["trace"]["floor_pages"] = 550
            after["trace"].update(floor_pages=floor, sha256="1" * 64)
            done = self.compare(after, "--allow", "trace", "-f", "json", before=before)
            metric = json.loads(done.stdout)["comparisons"][0]["metrics"]["peak_resident_pages"]
            self.assertEqual(metric.get("subject_of_floor"), expected)

    def test_of_two_allocators_of_one_name_none_is_chosen(self):
        twice = result(allocator("mem", 10, 1100), allocator("mem", 20, 1000))
        done = self.compare(twice)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("after.json: results of two allocators called mem (preload)", done.stderr)

    def test_a_metric_need_not_be_one_of_each_allocator(self):
        after = copy.deepcopy(self.before)
        after["results"].append(allocator("other", 5, 500))
        after["results"][2]["metrics"]["own"] = after["results"][2]["metrics"]["peak_resident_pages"]
        done = self.compare(after, "-m", "own", before=after)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = self.compare(after, "-m", "nothing", before=after)
        self.assertEqual(done.returncode, 2)
        self.assertIn("there are: own, peak_resident_pages, time_per_event_ns", done.stderr)

    def test_one_error_rate_for_all_allocators(self):
        # Four repetitions, all above: p = 2 / C(8, 4), 2.9 %, of each metric.
        def of(count, time):
            results = [allocator(f"mem{i}", time, 1000) for i in range(count)]
            for row in results:
                metrics = row["metrics"]
                metrics["time_per_event_ns"]["samples"] = [time + i / 10 for i in range(4)]
                del metrics["peak_resident_pages"]
            return result(*results)
        args = ("--allow", "drift", "--error-rate", "6%")
        one = self.compare(of(1, 110), *args, before=of(1, 100))
        self.assertEqual(one.returncode, 3, one.stdout)
        many = self.compare(of(3, 110), *args, before=of(3, 100))
        self.assertEqual(many.returncode, 4, many.stdout)

    def test_bad_input_is_1_and_wrong_usage_2(self):
        bad = self.folder / "bad.json"
        bad.write_text('{"schema": ')
        good = self.write("good.json", self.before)
        odd = self.write("odd.json", {**self.before, "config": []})
        for args, code, expected in (
                ((good, bad), 1, "bad.json: not JSON at byte"),
                ((good, self.folder / "none.json"), 1, "cannot read"),
                ((good, good, "--threshold", "2"), 2, "expected a share such as 2%"),
                ((good, self.folder), 1, "cannot read"),
                ((good, odd), 1, "odd.json: an incomplete or malformed result"),
                ((good, good, "-m", "nothing", "-m", "peak_*"), 2, "--metric nothing: "),
                ((good, good, "--allow", "everything"), 2, "--allow"),
                (("-", "-"), 2, "once only"), ((good,), 2, "SUBJECT")):
            done = allocreplay("compare", *args)
            self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
            self.assertIn(expected, done.stderr)

    def test_one_may_come_from_standard_input_and_go_to_a_file(self):
        target = self.folder / "verdict.json"
        done = allocreplay("compare", self.write("a.json", self.before), "-", "-f", "json", "-o",
                           target, stdin=json.dumps(self.before))
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        jsonschema.validate(json.loads(target.read_text()), SCHEMA)

    def test_markdown_and_junit(self):
        after = result(allocator("glibc", 20, 1000), allocator("mem", 11, 1100))
        markdown = self.compare(after, "-f", "markdown").stdout
        self.assertIn("**1 worse**", markdown)
        suite = xml.etree.ElementTree.fromstring(self.compare(after, "-f", "junit").stdout)[0]
        self.assertEqual((suite.get("tests"), suite.get("failures")), ("2", "1"))
        failed = [case.get("name") for case in suite if case.find("failure") is not None]
        self.assertEqual(failed, ["time_per_event_ns"])


class SideBySide(Case):
    """On real processes, but on nothing that depends on time."""

    def ab(self, *args):
        done = allocreplay("ab", "-t", TRACE, "-q", "-f", "json", *args)
        self.assertIn(done.returncode, (0, 3, 4), done.stderr)
        document = json.loads(done.stdout)
        jsonschema.validate(document, SCHEMA)
        return done.returncode, document

    @unittest.skipIf(SANITIZED, "a sanitizer's shadow is resident memory too, in huge pages even")
    def test_a_footprint_against_itself_is_the_same(self):
        code, document = self.ab("-a", "mem-classic", "-b", "mem-classic", "-m", "peak_*_pages",
                                 "--seed", "5", "-r", "20")
        self.assertEqual(code, 0, document["counts"])
        self.assertEqual(document["design"]["seed"], 5)
        table = document["comparisons"][0]
        self.assertEqual((table["subject"], table["binding"]), ("mem-classic", "in-process"))
        metric = table["metrics"]["peak_resident_pages"]
        self.assertEqual(len(metric["subject_samples"]), table["subject_repetitions"])
        self.assertLess(table["subject_repetitions"], 20)

    def test_an_allocator_that_never_frees_holds_more(self):
        code, document = self.ab("-a", "bump", "-b", "mem-classic", "-m", "end_resident_pages",
                                 "-r", "12")
        self.assertEqual(code, 3)
        self.assertEqual(document["counts"]["worse"], 1)

    def test_it_replays_as_it_is_told(self):
        _, document = self.ab("-a", "mem-classic", "-b", "glibc", "-m", "peak_resident_pages",
                              "-r", "1")
        self.assertEqual(document["config"], {"touch": "page", "threads": "1",
                                              "threads_replayed": 1, "pace": "max",
                                              "passes": ["throughput", "latency", "memory"]})
        metric = document["comparisons"][0]["metrics"]["peak_resident_pages"]
        self.assertAlmostEqual(metric["subject_of_floor"],
                               metric["subject"] / document["trace"]["floor_pages"])
        _, document = self.ab("-a", "mem-classic", "-b", "glibc", "-m", "response_ns_*", "-r", "1",
                              "--threads", "recorded", "--pace", "0.01", "--touch", "none",
                              "--events", "1k:8k")
        self.assertEqual(document["config"], {"touch": "none", "threads": "recorded",
                                              "threads_replayed": 5, "pace": 0.01,
                                              "passes": ["throughput", "latency", "memory"]})
        self.assertEqual((document["trace"]["first_event"], document["trace"]["last_event"]),
                         (1000, 8000))
        self.assertIsNone(document["trace"]["floor_pages"])
        self.assertIn("response_ns_malloc_p99", document["comparisons"][0]["metrics"])

    def test_only_what_the_metrics_come_from_is_run_again(self):
        for metrics, passes in ((["peak_*"], ["memory"]), (["time_*"], ["throughput"]),
                                (["time_*", "end_*"], ["throughput", "memory"])):
            _, document = self.ab("-a", "bump", "-b", "mem-classic", "-r", "2",
                                  *(word for metric in metrics for word in ("-m", metric)))
            self.assertEqual(document["config"]["passes"], passes)
            for metric in document["comparisons"][0]["metrics"].values():
                self.assertEqual(len(metric["subject_samples"]), 2)
                self.assertNotIn(None, metric["subject_samples"])

    def order_of(self, folder, seed):
        """Of one ab run, pass after pass: which library was preloaded first, "a.so" or "b.so"."""
        log = folder / "log"
        log.write_text("")
        done = subprocess.run(
            [folder / "bin" / "allocreplay", "ab", "-t", TRACE, "-q", "-m", "peak_resident_pages",
             "-a", folder / "a.so", "-b", folder / "b.so", "--seed", str(seed), "-r", "5",
             "-f", "json"], capture_output=True, text=True, timeout=300, check=False)
        self.assertIn(done.returncode, (0, 3, 4), done.stderr)
        self.assertEqual(json.loads(done.stdout)["comparisons"][0]["subject_repetitions"], 5)
        started = [pathlib.Path(line).name for line in log.read_text().split()]
        pairs = list(zip(started[::2], started[1::2], strict=True))
        for pair in pairs:
            self.assertEqual(set(pair), {"a.so", "b.so"})
        return [first for first, _ in pairs]

    @unittest.skipIf(SANITIZED, "a sanitizer's malloc and a preloaded one exclude each other")
    def test_who_goes_first_is_drawn_by_lot(self):
        with tempfile.TemporaryDirectory(prefix="allocreplay-order-") as name:
            folder = pathlib.Path(name)
            (folder / "bin").mkdir()
            shutil.copy(BIN / "allocreplay", folder / "bin")
            for library in ("a.so", "b.so"):
                shutil.copy(BIN.parent / "lib" / "libmem.so", folder / library)
            worker = folder / "bin" / "allocreplay-worker"
            worker.write_text(f"""#!/bin/sh
if [ -n "$LD_PRELOAD" ]; then echo "$LD_PRELOAD" >>{shlex.quote(str(folder))}/log; fi
exec {shlex.quote(str(BIN))}/allocreplay-worker "$@"
""")
            worker.chmod(0o755)
            order = self.order_of(folder, 5)
            self.assertEqual(set(order), {"a.so", "b.so"})
            self.assertEqual(self.order_of(folder, 5), order)
            self.assertNotEqual(self.order_of(folder, 6), order)

    def test_the_trace_may_come_from_a_pipe(self):
        done = subprocess.run([BIN / "allocreplay", "ab", "-t", "-", "-q", "-a", "bump", "-b",
                               "mem-classic", "-m", "end_resident_pages", "-r", "1", "-f", "json"],
                              input=TRACE.read_bytes(), capture_output=True, timeout=300,
                              check=False)
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertEqual(json.loads(done.stdout)["trace"]["sha256"],
                         hashlib.sha256(TRACE.read_bytes()).hexdigest())

    def test_a_target_that_cannot_be_written_is_told_before_the_work(self):
        done = allocreplay("ab", "-t", "/nowhere/x.trace", "-a", "bump", "-o", "/nowhere/v.txt")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nowhere/v.txt: cannot create", done.stderr)

    def test_two_repetitions_cannot_tell(self):
        code, document = self.ab("-a", "bump", "-b", "glibc", "-m", "time_per_event_ns", "-r", "2")
        self.assertEqual(code, 4)
        self.assertEqual(document["counts"]["cannot_tell"], 1)

    def test_errors(self):
        for args, code, expected in (
                (("-a", "mem-classic", "-b", "mem"), 2, "not comparable"),
                (("-a", "nomalloc"), 2, "no allocator is called"),
                (("-a", "bump", "--seed", "x"), 2, "--seed x"),
                (("-a", "bump", "--threads", "0"), 2, "--threads 0"),
                (("-a", "bump", "--pace", "fast"), 2, "--pace fast"),
                (("-a", "bump", "-r", "1", "-m", "nothing", "-m", "peak_*"), 2, "--metric nothing: ")):
            done = allocreplay("ab", "-t", TRACE, "-q", *args)
            self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
            self.assertIn(expected, done.stderr)
        self.assertEqual(allocreplay("ab", "-t", "/nowhere/x.trace", "-a", "bump").returncode, 1)


if __name__ == "__main__":
    unittest.main()
