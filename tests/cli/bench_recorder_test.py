"""scripts/bench_recorder without measuring in earnest: its figures, its state, what it refuses."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["ALLOCREPLAY_SOURCE"])
BIN = pathlib.Path(os.environ["ALLOCREPLAY_BUILD"]) / "bin"
sys.path.insert(0, str(SOURCE / "scripts"))

from recorder_bench import tables  # noqa: E402  pylint: disable=wrong-import-position


def run(*arguments):
    return subprocess.run([SOURCE / "scripts/bench_recorder", *map(str, arguments)],
                          capture_output=True, text=True, check=False)


class Figures(unittest.TestCase):
    def test_of_a_program_that_prints_its_own(self):
        plain, recorded = {"ns_per_event": 10.0}, {"ns_per_event": 35.0}
        self.assertEqual(tables.ns_per_event(plain, recorded), 25.0)
        self.assertEqual(tables.slowdown(plain, recorded), 3.5)

    def test_of_any_other(self):
        plain = {"seconds": 2.0, "cpu_seconds": 1.0}
        recorded = {"seconds": 3.0, "cpu_seconds": 1.5, "events": 10_000_000}
        self.assertEqual(tables.ns_per_event(plain, recorded), 50.0)
        self.assertEqual(tables.slowdown(plain, recorded), 1.5)

    def test_cpu_time_is_of_program_and_recorder(self):
        recorded = {"cpu_seconds": 1.5, "recorder_seconds": 0.5}
        self.assertEqual(tables.cpu_ratio({"cpu_seconds": 1.0}, recorded), 2.0)

    def test_spread_is_median_and_bounds(self):
        self.assertEqual(tables.spread([3.0, 1.0, 2.5]), "2.50 (1.00 to 3.00)")
        self.assertEqual(tables.spread([]), "–")


class Runs(unittest.TestCase):
    @unittest.skipIf(os.environ.get("ALLOCREPLAY_SANITIZE"),
                     "a sanitizer's runtime has to be loaded before the recording library")
    def test_a_run_gives_a_table_and_goes_on_from_its_samples(self):
        with tempfile.TemporaryDirectory() as folder:
            words = ["--quick", "--only", "threads-1", "--bin", BIN, "--state",
                     pathlib.Path(folder) / "state.jsonl"]
            first = run(*words)
            self.assertEqual(first.returncode, 0, first.stderr)
            self.assertIn("| working sets, 1 thread | recorded |", first.stdout)
            again = run(*words)
            self.assertEqual((again.stdout, again.stderr), (first.stdout, ""))

    def test_wrong_usage_is_told(self):
        for words in (["--rounds", "0"], ["--modes", "plain"], ["--only", "x", "--bin", BIN]):
            self.assertEqual(run(*words).returncode, 2, words)


if __name__ == "__main__":
    unittest.main()
