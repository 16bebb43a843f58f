"""allocreplay --cost instructions: figures that are the same in every run."""

import copy
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import jsonschema

SOURCE = pathlib.Path(os.environ["ALLOCREPLAY_SOURCE"])
BIN = pathlib.Path(os.environ["ALLOCREPLAY_BUILD"]) / "bin"
SANITIZED = os.environ.get("ALLOCREPLAY_SANITIZE", "")
TRACE = SOURCE / "traces" / "small.trace"
SCHEMA = json.loads((SOURCE / "results" / "schema" / "result-v1.schema.json").read_text())
EXACT_WITHIN = 0.001


def cost(*args, **kwargs):
    command = [BIN / "allocreplay", "--trace", TRACE, "--cost", "instructions", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False,
                          **kwargs)


def metrics(document) -> dict:
    return {result["allocator"]: result["metrics"] for result in document["results"]}


@unittest.skipIf(SANITIZED, "a sanitizer's shadow memory has no room under valgrind")
@unittest.skipUnless(shutil.which("valgrind"), "valgrind is not installed")
class Counted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.documents = []
        for _ in range(2):
            done = cost("-a", "mem", "-a", "null", "-r", "1", "--cost-by", "callgrind")
            assert done.returncode == 0, done.stderr
            cls.documents.append(json.loads(done.stdout))
            cls.stderr = done.stderr
        cls.metrics = metrics(cls.documents[0])

    def test_the_document_is_valid_and_says_how_was_counted(self):
        for document in self.documents:
            jsonschema.validate(document, SCHEMA)
        config = self.documents[0]["config"]
        self.assertEqual(config["passes"], ["instructions", "kernel-work"])
        self.assertEqual(config["cost"]["counted_by"], "callgrind")
        self.assertIsNone(config["timer"])
        self.assertIsNone(config["percentiles"])

    def test_what_is_counted_does_not_compare_with_what_is_timed(self):
        done = subprocess.run([BIN / "allocreplay", "-t", TRACE, "-a", "mem", "-r", "1", "-q",
                               "--threads", "1"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        timed = json.loads(done.stdout)
        self.assertIn(timed["config"]["timer"], ("tsc", "clock_gettime"))
        with tempfile.TemporaryDirectory(prefix="allocreplay-cost-") as name:
            before, after = pathlib.Path(name) / "before.json", pathlib.Path(name) / "after.json"
            before.write_text(json.dumps(timed))
            after.write_text(json.dumps(self.documents[0]))
            done = subprocess.run([BIN / "allocreplay", "compare", before, after, "--allow",
                                   "trace", "--allow", "debug"], capture_output=True, text=True,
                                  check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("measured differently: cost (not said)", done.stderr)

    def test_two_runs_agree(self):
        again = metrics(self.documents[1])
        varies = {"cost_page_faults"} if any(
            document["config"]["cost"]["addresses_randomised"] for document in self.documents) else set()
        for allocator, figures in self.metrics.items():
            for key, figure in figures.items():
                if key in varies:
                    continue
                with self.subTest(allocator=allocator, metric=key):
                    self.assertAlmostEqual(again[allocator][key]["value"], figure["value"],
                                           delta=abs(figure["value"]) * EXACT_WITHIN)
                    self.assertTrue(figure.get("exact"))

    def test_they_compare_as_the_same_and_not_with_those_counted_otherwise(self):
        with tempfile.TemporaryDirectory(prefix="allocreplay-cost-") as name:
            before, after = pathlib.Path(name) / "before.json", pathlib.Path(name) / "after.json"
            before.write_text(json.dumps(self.documents[0]))
            after.write_text(json.dumps(self.documents[1]))
            command = [BIN / "allocreplay", "compare", before, after, "--allow", "debug"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            by_perf = copy.deepcopy(self.documents[1])
            by_perf["config"]["cost"]["counted_by"] = "perf"
            after.write_text(json.dumps(by_perf))
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertIn("--allow config", done.stderr)

    def test_the_allocators_do_something_and_the_null_allocator_nothing(self):
        for allocator in ("glibc", "mem"):
            figures = self.metrics[allocator]
            for op in ("malloc", "free"):
                self.assertGreater(figures[f"cost_instructions_{op}"]["value"], 10)
            self.assertGreater(figures["cost_page_faults"]["value"], 0)
            self.assertGreater(figures["cost_peak_resident_pages"]["value"], 100)
            self.assertGreater(figures["cost_system_calls"]["value"], 0)
        null = self.metrics["null"]
        self.assertEqual(null["cost_instructions_per_event"]["value"], 0)
        self.assertEqual(null["cost_system_calls"]["value"], 0)
        self.assertLessEqual(null["cost_peak_resident_pages"]["value"], 2)
        self.assertGreater(null["cost_harness_instructions_per_event"]["value"], 1)

    def test_the_whole_is_the_sum_of_the_operations(self):
        inspected = subprocess.run([BIN / "allocreplay", "inspect", TRACE, "--json"], text=True,
                                   capture_output=True, check=True)
        ops = json.loads(inspected.stdout)["ops"]
        for allocator in ("glibc", "mem"):
            figures = self.metrics[allocator]
            parts = sum(count * figures[f"cost_instructions_{op}"]["value"]
                        for op, count in ops.items())
            whole = figures["cost_instructions_per_event"]["value"] * sum(ops.values())
            self.assertAlmostEqual(parts, whole, delta=1)

    def test_the_table_shows_it(self):
        self.assertIn("cost_instructions_per_event", self.stderr)
        self.assertRegex(self.stderr, r"the replay itself costs [\d.]+ instructions per event")


@unittest.skipIf(SANITIZED, "a sanitizer's shadow memory has no room under valgrind")
@unittest.skipUnless(shutil.which("valgrind"), "valgrind is not installed")
class Repetitions(unittest.TestCase):
    def test_two_by_default_and_they_make_an_interval_and_a_verdict(self):
        done = cost("-a", "mem-classic", "--cost-by", "callgrind", "--events", "100:",
                    "--cost-events", "300", "-q")
        self.assertEqual(done.returncode, 0, done.stderr)
        document = json.loads(done.stdout)
        self.assertEqual((document["trace"]["first_event"], document["trace"]["last_event"]),
                         (100, 400))
        figure = metrics(document)["mem-classic"]["cost_instructions_malloc"]
        self.assertEqual(len(figure["samples"]), 2)
        self.assertEqual(len(figure["interval"]), 2)
        verdict = document["comparison"][0]["metrics"]["cost_instructions_malloc"]["verdict"]
        self.assertIn(verdict, ("better", "worse", "same"))


class Errors(unittest.TestCase):
    def check(self, code, expected, *args, **kwargs):
        done = cost(*args, **kwargs)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual((done.stdout, done.stderr.count("\n")), ("", 1))
        self.assertIn(expected, done.stderr)

    def test_without_valgrind_the_package_is_named(self):
        self.check(1, "Debian package valgrind", "-a", "null", "--cost-by", "callgrind",
                   env={"PATH": "/nowhere"})

    def test_wrong_usage_is_2(self):
        self.check(2, "--cost-by", "-a", "null", "--cost-by", "guess")
        self.check(2, "no count", "-a", "null", "--cost-events", "many")
        self.check(2, "nothing to count", "-a", "null", "--cost-events", "0")
        self.check(2, "--explain", "-a", "null", "--explain")
        done = subprocess.run([BIN / "allocreplay", "--trace", TRACE, "--cost-events", "5"],
                              capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("--cost-events requires --cost", done.stderr)


if __name__ == "__main__":
    unittest.main()
