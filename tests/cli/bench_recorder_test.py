"""scripts/bench_recorder without measuring in earnest: its figures, its state, what it refuses."""

import contextlib
import io
import json
import os
import pathlib
import subprocess
import tempfile
import unittest
from unittest import mock

from peer_bench.processes import Failure
from peer_bench.state import State
from recorder_bench import __main__ as command_line
from recorder_bench import loads, tables

SOURCE = pathlib.Path(os.environ["ALLOCREPLAY_SOURCE"])
BIN = pathlib.Path(os.environ["ALLOCREPLAY_BUILD"]) / "bin"


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


PLAIN = {"ns_per_event": 10.0, "cpu_seconds": 1.0}
RECORDED = {"ns_per_event": 20.0, "cpu_seconds": 1.0, "recorder_seconds": 0.1, "events": 10,
            "spool_bytes": 80, "trace_bytes": 8}
LOAD = loads.Load("x", "a load", ["/bin/true"])


class Rounds(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="allocreplay-recorder-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.made = []
        self.failing = None

    def state(self):
        return State(self.folder / "state.jsonl")

    def measure(self, load, mode, *_):
        self.made.append(mode)
        if mode == self.failing:
            raise Failure("it crashed")
        return PLAIN if mode == "plain" else RECORDED

    def go(self, *modes, rounds=1):
        """(failed runs, what was run)"""
        self.made.clear()
        options = mock.Mock(modes=list(modes))
        with mock.patch.object(command_line, "measure", self.measure), \
                contextlib.redirect_stderr(io.StringIO()):
            failed = command_line.go_through([LOAD], options, None, rounds, self.state(), "full")
        return failed, list(self.made)

    def text(self, *modes, rounds=1):
        return command_line.text_of([LOAD], modes, self.state(), "full", rounds, "words")

    def test_a_kind_of_recording_that_comes_later_has_a_plain_run_of_its_own(self):
        self.assertEqual(self.go("recorded"), (0, ["plain", "recorded"]))
        self.assertEqual(self.go("recorded"), (0, []))
        self.assertEqual(self.go("sites"), (0, ["plain", "sites"]))
        self.assertIn("| a load | sites | 2.00 (", self.text("sites"))
        self.assertIn("| a load | recorded | – |", self.text("recorded"))
        self.assertEqual(self.go("recorded", "sites"), (0, ["plain", "recorded", "sites"]))
        self.assertNotIn("–", self.text("recorded", "sites"))

    def test_one_failed_round_leaves_no_figure(self):
        self.go("recorded")
        self.failing = "recorded"
        self.assertEqual(self.go("recorded", rounds=2), (1, ["recorded", "plain"]))
        self.assertIn("| a load | recorded | – |", self.text("recorded", rounds=2))
        self.assertIn("| a load | recorded | 2.00 (", self.text("recorded"))

    def test_programs_and_what_they_read_belong_to_a_load(self):
        one = loads.Load("x", "", ["cat", str(loads.PROGRAMS / "objects.py"), "12"],
                         loads.PROGRAMS / "rows.sql")
        self.assertEqual([file.name for file in one.files], ["cat", "objects.py", "rows.sql"])
        self.assertTrue(all(file.is_file() for file in one.files))

    def test_a_recording_with_losses_is_a_failure(self):
        def inspected(lost):
            usage = dict.fromkeys(("wall_ns", "user_ns", "system_ns", "recorder_ns"), 1)
            text = json.dumps({"events": 1, "file": {"bytes": 1}, "provenance": {
                "usage": usage, "recorder": {"spool_bytes": 1}, "losses": {"events_lost": lost}}})
            return mock.patch.object(loads.subprocess, "run",
                                     return_value=mock.Mock(stdout=text))

        with inspected(0):
            self.assertEqual(loads._of_trace("x", BIN)["events"], 1)
        with inspected(3), self.assertRaisesRegex(Failure, "lost 3 events"):
            loads._of_trace("x", BIN)


class Command(unittest.TestCase):
    def test_what_the_build_installs_is_measured_and_another_build_is_not_mixed_in(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            files = [folder / file for file in (
                "build/release/bin/allocreplay", "build/release/lib/liballocrecord.so", "load")]
            for file in files:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text("one")
            installed, went = [], []

            def known(*_):
                return [loads.Load("x", "a load", ["x"], files[2],
                                   missing="" if installed else "x is not installed")]

            def go_through(found, _options, _binaries, _rounds, state, scale):
                went.append(found[0].missing)
                for mode, values in (("plain", PLAIN), ("recorded", RECORDED)):
                    state.add(scale, "recorder", "x", mode, 0, {"values": values})
                return 0

            def run_it():
                said = io.StringIO()
                with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
                    status = command_line.main(["--quick", "--state", str(folder / "state")])
                return status, said.getvalue()

            with mock.patch.object(command_line, "ROOT", folder), \
                    mock.patch.object(command_line, "build", lambda: installed.append("x")), \
                    mock.patch.object(command_line, "loads", known), \
                    mock.patch.object(command_line, "go_through", go_through):
                self.assertEqual(run_it(), (0, ""))
                self.assertEqual(went, [""])
                for file in files:
                    file.write_text("another")
                    status, said = run_it()
                    self.assertEqual(status, 1, file)
                    self.assertIn("another version of", said)
                    file.write_text("one")


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
