"""scripts/bench_instrument and bench_fidelity without measuring: arithmetic, tables, readers."""

import contextlib
import dataclasses
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import types
import unittest
from unittest import mock

import zstandard

from fidelity_bench import __main__ as fidelity
from fidelity_bench import programs, smaps
from instrument_bench import __main__ as command_line
from instrument_bench import calibration, experiments, rates, sessions, tables
from peer_bench import tables as table_files
from peer_bench.processes import Failure


SOURCE = pathlib.Path(os.environ["ALLOCREPLAY_SOURCE"])


class Rates(unittest.TestCase):
    def test_limits_are_those_of_clopper_and_pearson(self):
        low, high = rates.limits(0, 30)
        self.assertEqual(low, 0)
        self.assertAlmostEqual(high, 0.1157, 4)  # 1 - 0.025^(1/30)
        low, high = rates.limits(18, 20)
        self.assertAlmostEqual(low, 0.6830, 4)
        self.assertAlmostEqual(high, 0.9877, 4)
        self.assertEqual(rates.limits(5, 5)[1], 1)

    def test_a_rate_is_contradicted_only_beyond_chance(self):
        self.assertFalse(rates.exceeds(0, 30, 0.05))
        self.assertFalse(rates.exceeds(4, 30, 0.05))
        self.assertTrue(rates.exceeds(7, 30, 0.05))
        self.assertFalse(rates.falls_short(16, 20, 0.9))
        self.assertTrue(rates.falls_short(12, 20, 0.9))
        self.assertFalse(rates.exceeds(0, 0, 0.05) or rates.falls_short(0, 0, 0.9))


class Calibration(unittest.TestCase):
    def test_the_count_that_makes_three_percent_is_found(self):
        for each, count in ((0.0003, 100), (0.0005, 60), (0.0015, 20), (0.0055, 5), (0.0065, 5)):
            ratio = 1 + each * calibration.MOST
            self.assertEqual(calibration.count_of(ratio), count)
            self.assertAlmostEqual(calibration.planted(count, ratio), 1 + count * each)

    def test_where_no_count_comes_near_it_says_so(self):
        for ratio in (0.99, 1.0, 1.029, 65.0):  # as if nothing were planted; one step costs 25 %
            with self.assertRaisesRegex(Failure, "no count of them"):
                calibration.count_of(ratio)

    def test_the_library_can_execute_as_many_as_are_measured(self):
        cmake = (SOURCE / "tests/bench/CMakeLists.txt").read_text()
        self.assertIn(f"PLANTED_MOST={calibration.MOST} ", cmake)

    def test_a_ratio_is_of_repetitions_that_do_not_end_early(self):
        # The machine had a bad moment in the last repetition, and a worse one in the third.
        times = {"glibc": [50] * 5, "libplanted_slow.so": [206, 206, 412, 208, 250],
                 "libplanted_plain.so": [200, 199, 400, 200, 245]}
        result = types.SimpleNamespace(results=[
            types.SimpleNamespace(allocator=name, metrics={
                "time_per_event_ns": types.SimpleNamespace(samples=time)})
            for name, time in times.items()])
        slow = experiments.EXPERIMENTS[1]
        done = subprocess.CompletedProcess([], 0, "", "")
        with mock.patch.object(experiments.results_io, "load", lambda _: result), \
                mock.patch.object(experiments.subprocess, "run", return_value=done) as ran:
            self.assertAlmostEqual(experiments.slowdown(slow, 37, "redis", pathlib.Path("/b")), 1.03)
            words = [str(word) for word in ran.call_args.args[0]]
            self.assertNotIn("ab", words)
            self.assertEqual(words[words.index("-r") + 1], str(experiments.CALIBRATION_REPETITIONS))
            self.assertEqual(ran.call_args.kwargs["env"]["PLANTED_INSTRUCTIONS"], "37")
            ran.return_value = subprocess.CompletedProcess([], 1, "", "one\nno such trace\n")
            with self.assertRaisesRegex(Failure, "no such trace"):
                experiments.slowdown(slow, 37, "redis", pathlib.Path("/b"))

    def test_the_experiment_names_its_instructions(self):
        slow = experiments.EXPERIMENTS[1].with_instructions(37, 1.0288)
        self.assertIn("37 more instructions", slow.what)
        self.assertIn("1.029 was planted", slow.what)
        self.assertEqual(slow.instructions, 37)


class Tables(unittest.TestCase):
    def outcome(self, **verdicts):
        return {"verdicts": verdicts, "ratios": {key: 1.03 for key in verdicts}, "repetitions": 12}

    def test_alarms_of_equal_allocators_are_counted(self):
        alike = experiments.EXPERIMENTS[0]
        outcomes = [self.outcome(a="same", b="cannot tell")] * 28 + [self.outcome(a="better")] * 2
        row = tables.row(alike, outcomes)
        self.assertIn("2 of 30", row[4])
        self.assertTrue(tables.keeps_its_word(alike, outcomes))
        self.assertFalse(tables.keeps_its_word(alike, [self.outcome(a="worse")] * 30))

    def test_planted_faults_are_counted(self):
        slow = experiments.EXPERIMENTS[1]
        outcomes = [self.outcome(time_per_event_ns="worse", x="same")] * 20
        self.assertIn("20 of 20", tables.row(slow, outcomes)[4])
        self.assertTrue(tables.keeps_its_word(slow, outcomes))
        self.assertFalse(tables.keeps_its_word(
            slow, [self.outcome(time_per_event_ns="cannot tell")] * 20))
        self.assertIn("1.030", tables.markdown([(slow, outcomes)]))

    def test_who_ended_early_weighs_less(self):
        outcomes = [{"verdicts": {}, "ratios": {"time_per_event_ns": ratio}, "repetitions": count}
                    for ratio, count in ((1.08, 10), (1.02, 90))]
        row = tables.row(experiments.EXPERIMENTS[1], [
            {**outcome, "verdicts": {"time_per_event_ns": "worse"}} for outcome in outcomes])
        self.assertEqual(row[2], "1.026")

    def test_comparisons_that_share_sessions_are_counted_and_judge_nothing(self):
        one = experiments.Experiment("sessions", "x", "mem", "mem", ("redis",), 0,
                                     independent=False)
        outcomes = [self.outcome(a="worse")] * 30
        self.assertEqual(tables.row(one, outcomes)[3:5],
                         ["at most 5 % alarms; not judged", "30 of 30"])
        self.assertTrue(tables.keeps_its_word(one, outcomes))
        with mock.patch.object(sessions, "stored", lambda: []):
            self.assertFalse(any(one.independent for one, _ in sessions.rows(pathlib.Path())))

    def test_the_traces_take_turns(self):
        one = experiments.EXPERIMENTS[2]
        self.assertEqual(one.jobs(3), [("redis", 0), ("sqlite", 0), ("redis", 1)])
        self.assertEqual(len(one.jobs(None)), one.comparisons)

    def test_wrong_usage_is_2(self):
        for words in (["--only", "nothing"], ["--most", "x"], ["--nonsense"]):
            with self.assertRaises(SystemExit) as ended:
                command_line.run(command_line.arguments(words))
            self.assertEqual(ended.exception.code, 2)


class Run(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="allocreplay-instrument-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.files = [self.folder / file for file in (
            "bin/allocreplay", "bin/allocreplay-worker", "lib/libplanted_plain.so",
            "lib/libplanted_slow.so", "lib/libplanted_leak.so", "traces/redis.trace")]
        for file in self.files:
            file.parent.mkdir(exist_ok=True)
            file.write_text("one")
        self.benchmark = self.folder / "BENCHMARK.md"
        self.benchmark.write_text(f"{tables.BEGIN}\nold\n{tables.END}\n")
        redis = [dataclasses.replace(one, traces=("redis",)) for one in experiments.EXPERIMENTS]
        outcome = {"verdicts": {"a": "same"}, "ratios": {"a": 1.0}, "repetitions": 12}
        self.compare = mock.Mock(return_value=outcome)
        for patch in (mock.patch.object(command_line, "ROOT", self.folder),
                      mock.patch.object(table_files, "ROOT", self.folder),
                      mock.patch.object(command_line, "EXPERIMENTS", redis),
                      mock.patch.object(experiments, "compare", self.compare)):
            patch.start()
            self.addCleanup(patch.stop)

    def run_it(self, *words):
        """(exit status, what was said)"""
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            status = command_line.main(["--only", "alike", "--comparisons", "1", "--build-dir",
                                        str(self.folder), "--state", str(self.folder / "state"),
                                        *words])
        return status, said.getvalue()

    def test_outcomes_of_another_build_trace_or_experiment_are_not_mixed_in(self):
        self.assertEqual(self.run_it()[0], 0)
        self.assertEqual(self.run_it()[0], 0)
        self.assertEqual(self.compare.call_count, 1)
        for file in self.files:
            file.write_text("another")
            status, said = self.run_it()
            self.assertEqual(status, 1, file)
            self.assertIn("another version of what is compared", said)
            file.write_text("one")
        with mock.patch.object(command_line, "EXPERIMENTS", command_line.EXPERIMENTS[:1]):
            self.assertEqual(self.run_it()[0], 1)

    def test_a_second_run_beside_the_first_is_refused(self):
        first = ("import pathlib, sys; from peer_bench.state import State; "
                 "State(pathlib.Path(sys.argv[1])).identify('full', 'x', 'y'); "
                 "print('locked', flush=True); sys.stdin.read()")
        state = self.folder / "state"
        with subprocess.Popen([sys.executable, "-c", first, state], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as other:
            self.assertEqual(other.stdout.readline(), b"locked\n")
            status, said = self.run_it("--fresh")
            self.assertEqual(status, 1)
            self.assertIn("locked by another run", said)
            self.assertIn('"identity"', state.read_text())
            other.stdin.close()
        self.assertEqual(self.run_it()[0], 0)

    def test_a_slowdown_is_planted_as_it_was_calibrated_once(self):
        slow = ["--only", "slow", "--comparisons", "2"]
        self.compare.return_value = {"verdicts": {"time_per_event_ns": "worse"}, "repetitions": 12,
                                     "ratios": {"time_per_event_ns": 1.03}}
        with mock.patch.object(experiments, "slowdown", return_value=2.408) as slowdown:
            self.assertEqual(self.run_it(*slow, "--most", "0")[0], 0)
            slowdown.assert_not_called()
            self.assertEqual(self.run_it(*slow, "--most", "1")[0], 0)
            self.assertEqual(self.run_it(*slow)[0], 0)
            slowdown.assert_called_once()
            self.assertEqual(slowdown.call_args.args[1:3], (calibration.MOST, "redis"))
        self.assertEqual([call.args[0].instructions for call in self.compare.call_args_list], [5, 5])

    def test_what_cannot_be_calibrated_is_left_out_and_the_rest_is_measured(self):
        everything = ["--only", "alike,slow", "--comparisons", "1"]
        with mock.patch.object(experiments, "slowdown", return_value=1.0):
            status, said = self.run_it(*everything)
        self.assertEqual(status, 1)
        self.assertIn("slow left out: 256 more instructions", said)
        self.assertEqual([call.args[0].name for call in self.compare.call_args_list], ["alike"])

    def test_a_table_with_a_gap_is_not_published(self):
        self.compare.side_effect = Failure("it crashed")
        status, said = self.run_it("--update-benchmark-md")
        self.assertEqual(status, 1)
        self.assertIn("BENCHMARK.md stays as it was", said)
        self.assertIn("old", self.benchmark.read_text())
        self.compare.side_effect = None
        self.assertEqual(self.run_it("--update-benchmark-md")[0], 0)
        self.assertIn("0 of 1", self.benchmark.read_text())

    def test_a_program_that_takes_too_long_is_an_error_of_one_line(self):
        with mock.patch.object(command_line, "measure",
                               side_effect=subprocess.TimeoutExpired("allocreplay", 300)):
            self.assertEqual(self.run_it(), (1, "bench_instrument: Command 'allocreplay' timed out "
                                                "after 300 seconds\n"))


class Sessions(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="allocreplay-sessions-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        patch = mock.patch.object(sessions, "FOLDER", self.folder)
        patch.start()
        self.addCleanup(patch.stop)

    def put(self, trace, date, revision="aaaa", cpu="one", timer="tsc"):
        document = {"schema": "allocreplay-result", "schema_version": "1.0",
                    "context": {"date": date, "build": {"git_revision": revision},
                                "host": {"cpu": cpu}},
                    "config": {"timer": timer}}
        path = self.folder / f"{trace}.{date.replace('-', '').replace(':', '')}.json.zst"
        path.write_bytes(zstandard.compress(json.dumps(document).encode()))
        return path

    def test_sessions_of_one_commit_processor_and_timer_are_compared(self):
        first = self.put("redis", "2026-01-01T10:00:00Z")
        again = self.put("redis", "2026-01-01T23:00:00Z")
        later = self.put("redis", "2026-01-02T01:00:00Z")
        other = self.put("redis", "2026-01-02T02:00:00Z", cpu="another")
        self.put("redis", "2026-01-02T03:00:00Z", revision="bbbb")
        self.put("redis", "2026-01-02T03:30:00Z", timer="clock_gettime")
        self.put("sqlite", "2026-01-02T04:00:00Z")

        def paths(*which):
            return [(one.path, two.path) for one, two in sessions.pairs(sessions.stored(), *which)]

        self.assertEqual(paths(False), [(first, again)])
        self.assertEqual(paths(True), [(first, later), (again, later)])
        self.assertEqual(paths(True, True), [(first, other), (again, other)])
        self.assertEqual(paths(False, True), [(later, other)])

    def test_one_more_is_of_the_same_commit(self):
        with mock.patch.object(sessions.builds, "commit", lambda name: f"{name} whole"):
            self.assertEqual(sessions.commit_to_measure(), "HEAD whole")
            self.put("redis", "2026-01-01T10:00:00Z")
            self.assertEqual(sessions.commit_to_measure(), "aaaa whole")
            self.put("redis", "2026-01-02T10:00:00Z", revision="bbbb")
            with self.assertRaisesRegex(Failure, "several commits: aaaa, bbbb"):
                sessions.commit_to_measure()

    def test_what_is_no_session_is_refused(self):
        for data in (b"", b"{}", zstandard.compress(b"{}"), zstandard.compress(b"no JSON")):
            (self.folder / "redis.x.json.zst").write_bytes(data)
            with self.assertRaisesRegex(Failure, "redis.x.json.zst: no session"):
                sessions.stored()

    def test_a_build_of_another_commit_is_refused_and_leaves_nothing(self):
        build = self.folder / "build"
        (build / "bin").mkdir(parents=True)
        program = build / "bin/allocreplay"
        source = self.put("redis", "2026-01-01T10:00:00Z")
        text = zstandard.decompress(source.read_bytes()).decode()
        program.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\n")
        program.chmod(0o755)
        with self.assertRaisesRegex(Failure, "a build of aaaa, not of bbbb"):
            sessions.measure("redis", build, "bbbb0000")
        self.assertEqual(list(self.folder.glob("redis.*")), [source])
        self.assertIn(sessions.measure("redis", build, "aaaa0000").path,
                      list(self.folder.glob("redis.*")))


SMAPS = b"""\
55d0-55d1 r--p 00000000 fe:00 12 /usr/bin/x
Anonymous:             4 kB
55d1-55d2 rw-p 00000000 00:00 0
Anonymous:             8 kB
55e0-55f0 rw-p 00000000 00:00 0          [heap]
Anonymous:            16 kB
7f00-7f10 rw-p 00000000 00:00 0
Anonymous:            32 kB
7f20-7f21 rw-p 00000000 00:00 0          [anon:arena]
Anonymous:            64 kB
7ff0-7ff1 rw-p 00000000 00:00 0          [stack]
Anonymous:           128 kB
"""


class Fidelity(unittest.TestCase):
    def test_a_table_with_a_gap_is_not_published(self):
        said = io.StringIO()
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(said), \
                mock.patch.object(table_files, "ROOT", pathlib.Path(folder)), \
                mock.patch.object(fidelity, "measure_round", side_effect=Failure("it crashed")):
            status = fidelity.main(["--only", programs.PROGRAMS_KNOWN[0].name, "--bin", folder,
                                    "--update-benchmark-md"])
        self.assertEqual(status, 1)
        self.assertIn("BENCHMARK.md stays as it was", said.getvalue())

    def test_the_heap_is_told_from_zeroed_data_and_the_stack(self):
        found = smaps.parse(SMAPS)
        self.assertEqual(found.heap_bytes, (16 + 32 + 64) * 1024)
        self.assertEqual(found.other_bytes, (4 + 8 + 128) * 1024)

    def test_this_process_has_a_heap(self):
        found = smaps.read(os.getpid())
        self.assertGreater(found.heap_bytes, 100_000)
        self.assertGreaterEqual(found.high_water_bytes * 1.05, found.rss_bytes)

    def test_what_samples_missed_is_added(self):
        samples = [smaps.Resident(100, 10, 200, 200), smaps.Resident(90, 10, 190, 230)]
        self.assertEqual(smaps.peak_heap_bytes(samples), 130)

    def test_a_row_shows_a_spread_and_marks_a_difference(self):
        row = fidelity.Row(programs.PROGRAMS_KNOWN[0], "mem", [5], [100, 100.5, 100], [103] * 3, [0],
                           [7])
        self.assertEqual(row.cells()[3], "100")
        self.assertEqual(row.cells()[6], "1.030")
        row.replayed = [106, 110, 120]
        self.assertEqual(row.cells()[5:7], ["110 (106 to 120)", "**1.100**"])


if __name__ == "__main__":
    unittest.main()
