"""scripts/bench_peers without measuring: its arithmetic, tables, resumption; and the programs that
it runs, with next to no work to do."""

import contextlib
import io
import json
import math
import os
import pathlib
import select
import subprocess
import tempfile
import time
import unittest
from unittest import mock

from peer_bench import __main__ as command_line
from peer_bench import allocators, plan, processes, redis, suites, summary, tables
from peer_bench.allocators import Allocator
from peer_bench.state import State, StateError

BIN = pathlib.Path(os.environ["ALLOCREPLAY_BUILD"], "bin")
SANITIZED = os.environ.get("ALLOCREPLAY_SANITIZE", "")

GLIBC = Allocator("glibc", "baseline")
MEM = Allocator("mem", "subject")
FAST = Allocator("fast", "peer", version="1.2")
LEAN = Allocator("lean", "peer")
ABSENT = Allocator("absent", "peer", missing="not installed")


class FakeJob(suites.Job):
    """Gives the figures it was made with, in the order in which it is asked."""

    suite = "micro"

    def __init__(self, name, figures, group="micro: fake"):
        super().__init__(name, [suites.Metric("ns", "time", "ns", group)])
        self.figures = figures
        self.asked = []

    def measure(self, allocator):
        self.asked.append(allocator.name)
        figure = self.figures[allocator.name]
        if isinstance(figure, list):
            figure = figure.pop(0)
        if isinstance(figure, BaseException):
            raise figure
        return {"ns": figure}


class WithFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="allocreplay-peers-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def state(self, **options):
        return State(self.folder / "state.jsonl", **options)

    def measure(self, jobs, among, rounds=1, state=None):
        """(samples added, what was said)"""
        said = io.StringIO()
        added = plan.measure(jobs, among, rounds, state or self.state(), "full", said)
        return added, said.getvalue()

    def document(self, jobs, among, rounds=1):
        return summary.document(jobs, among, rounds, self.state(), "full", ["micro"],
                                "scripts/bench_peers")


class Arithmetic(unittest.TestCase):
    def test_geometric_mean(self):
        self.assertAlmostEqual(summary.geometric_mean([1.0, 4.0]), 2.0)
        self.assertAlmostEqual(summary.geometric_mean([0.5, 2.0, 8.0]), 2.0)

    def test_a_mean_of_nothing_or_with_a_gap_is_none(self):
        for values in ([], [1.0, 0.0], [1.0, -1.0], [1.0, math.nan]):
            self.assertIsNone(summary.geometric_mean(values))

    def test_a_ratio_needs_two_figures_above_zero(self):
        self.assertEqual(summary.ratio(3.0, 2.0), 1.5)
        for value, base in ((None, 1.0), (1.0, None), (0.0, 1.0), (1.0, 0.0), (-1.0, 1.0)):
            self.assertIsNone(summary.ratio(value, base))

    def test_a_percentile_is_that_of_all_histograms_together(self):
        one = {"lower": [0, 10], "upper": [10, 20], "count": [90, 0]}
        two = {"lower": [20], "upper": [40], "count": [10]}
        self.assertEqual(suites.percentile([one, two], 0.225), 2.5)
        self.assertEqual(suites.percentile([one, two], 0.925), 25)
        with self.assertRaises(processes.Failure):
            suites.percentile([], 0.5)

    def test_patterns_have_groups(self):
        self.assertEqual(suites.micro_group("hot-1024"), "micro: hot pair, 16 B to 1 KiB")
        self.assertEqual(suites.micro_group("hot-2k"), "micro: hot pair, 2 to 32 KiB")
        self.assertEqual(suites.micro_group("larson"), suites.micro_group("hand-over-16"))
        self.assertEqual(suites.micro_group("large-hot-64k"), "micro: large blocks")


class Arguments(unittest.TestCase):
    def test_allocators_are_names_or_paths_and_glibc_comes_always(self):
        self.assertEqual(allocators.parse("mem,new=./a.so"),
                         [("glibc", None), ("mem", None), ("new", "./a.so")])
        self.assertEqual(allocators.parse("mem=b.so"), [("glibc", None), ("mem", "b.so")])
        for text in ("other", "=a.so", "x=", "glibc=a.so", "floor=a.so"):
            with self.assertRaises(ValueError, msg=text):
                allocators.parse(text)

    def test_wrong_usage_ends_with_2(self):
        for words in (["--only", "none"], ["--only", ""], ["--rounds", "0"], ["--rounds", "x"],
                      ["--allocators", "other"], ["--nonsense"], ["--again", "x"],
                      ["--list", "--markdown", "x"]):
            with self.assertRaises(SystemExit) as ended, contextlib.redirect_stderr(io.StringIO()):
                command_line.main(words)
            self.assertEqual(ended.exception.code, 2, words)

    def test_the_command_is_said_without_paths(self):
        for words, said in (([], ""), (["--quick", "-o", "x.json", "--fresh"], " --quick"),
                            (["--only", "startup,micro", "--rounds", "2"],
                             " --rounds 2 --only micro,startup"),
                            (["--allocators", "mem,new=/a/b.so"],
                             " --allocators glibc,mem,new=b.so")):
            options = command_line.arguments(words)
            self.assertEqual(command_line.command(options), "scripts/bench_peers" + said)

    def test_suites_come_in_their_own_order(self):
        options = command_line.arguments(["--only", "startup,replay"])
        self.assertEqual(options.only, ["replay", "startup"])


class Resumption(WithFolder):
    def test_a_second_run_adds_nothing_and_gives_the_same(self):
        job = FakeJob("a", {"glibc": [4.0, 4.0], "mem": [2.0, 3.0]})
        self.assertEqual(self.measure([job], [GLIBC, MEM], 2)[0], 4)
        first = self.document([job], [GLIBC, MEM], 2)["rows"]
        size = (self.folder / "state.jsonl").stat().st_size
        self.assertEqual(self.measure([job], [GLIBC, MEM], 2), (0, ""))
        self.assertEqual(len(job.asked), 4)
        self.assertEqual((self.folder / "state.jsonl").stat().st_size, size)
        self.assertEqual(self.document([job], [GLIBC, MEM], 2)["rows"], first)

    def test_it_goes_on_after_the_last_whole_line(self):
        job = FakeJob("a", {"glibc": 4.0, "mem": 2.0})
        self.measure([job], [GLIBC, MEM])
        path = self.folder / "state.jsonl"
        path.write_bytes(path.read_bytes()[:-5])
        self.assertEqual(self.measure([job], [GLIBC, MEM])[0], 2)
        self.assertEqual(self.measure([job], [GLIBC, MEM])[0], 0)

    def test_what_failed_is_tried_again_with_the_whole_row(self):
        job = FakeJob("a", {"glibc": 4.0, "mem": [processes.Failure("it crashed"), 2.0]})
        other = FakeJob("b", {"glibc": 1.0, "mem": 1.0})
        _, said = self.measure([job, other], [GLIBC, MEM])
        self.assertIn("micro a, mem: it crashed", said)
        self.assertIsNone(self.document([job], [GLIBC, MEM])["rows"][0]["values"]["mem"])
        self.assertEqual(self.measure([job, other], [GLIBC, MEM])[0], 2)
        document = self.document([job, other], [GLIBC, MEM])
        self.assertEqual(document["rows"][0]["values"]["mem"], 2.0)
        self.assertEqual(document["context"]["measured_apart"], [])

    def test_a_program_that_dies_or_prints_nonsense_fails_alone(self):
        for error in (OSError("gone"), json.JSONDecodeError("no JSON", "", 0), KeyError("ns"),
                      IndexError("x")):
            job = FakeJob("a", {"glibc": 4.0, "mem": error})
            _, said = self.measure([job], [GLIBC, MEM], state=self.state(fresh=True))
            self.assertIn(f"micro a, mem: {error!r}", said)

    def test_of_a_replay_that_prints_nonsense_each_allocator_is_asked_alone(self):
        job = suites.Replay(pathlib.Path("x.trace"))
        job.command = ["echo", "nonsense"]
        outcomes = dict(job.measure_all([GLIBC]))
        self.assertIn("JSONDecodeError", outcomes[GLIBC]["error"])

    def test_what_was_measured_before_an_interruption_is_kept(self):
        job = FakeJob("a", {"glibc": KeyboardInterrupt(), "mem": KeyboardInterrupt()})
        before = FakeJob("b", {"glibc": 1.0, "mem": 1.0})
        with self.assertRaises(KeyboardInterrupt):
            self.measure([before, job], [GLIBC, MEM])
        self.assertEqual(len(self.state().samples), 2)

    def test_fresh_starts_over_and_scales_are_apart(self):
        job = FakeJob("a", {"glibc": 4.0})
        self.measure([job], [GLIBC])
        self.assertFalse(self.state().done("quick", "micro", "a", "glibc", 0))
        self.assertTrue(self.state().done("full", "micro", "a", "glibc", 0))
        self.assertEqual(self.state(fresh=True).samples, {})

    def test_another_build_is_not_mixed_in(self):
        self.state().identify("full", "mem", "1", allocator="mem")
        self.state().identify("full", "suite micro", "1", suite="micro")
        self.measure([FakeJob("a", {"glibc": 4.0, "mem": 2.0})], [GLIBC, MEM])
        self.state().identify("full", "mem", "1", allocator="mem")
        self.state().identify("quick", "mem", "2", allocator="mem")
        with self.assertRaisesRegex(StateError, "another version of mem.*--fresh.*--again"):
            self.state().identify("full", "mem", "2", allocator="mem")
        with self.assertRaisesRegex(StateError, "another version of suite micro: --fresh starts "
                                                "over, --state"):
            self.state().identify("full", "suite micro", "2", suite="micro")

    def test_another_build_of_what_has_no_samples_yet_is_taken(self):
        job = FakeJob("a", {"glibc": 4.0, "mem": [processes.Failure("it crashed")]})
        self.state().identify("full", "mem", "1", allocator="mem")
        self.state().identify("full", "suite replay", "1", suite="replay")
        self.measure([job], [GLIBC, MEM])
        for version in ("2", "3"):
            self.state().identify("full", "mem", version, allocator="mem")
            self.state().identify("full", "suite replay", version, suite="replay")

    def test_what_is_missing_has_no_version_that_it_would_be_held_to(self):
        with mock.patch.object(allocators, "find", lambda _: [GLIBC, ABSENT]), \
                mock.patch.object(suites, "jobs", lambda *_: []), \
                mock.patch.object(suites, "inputs", lambda _: []), \
                contextlib.redirect_stdout(io.StringIO()), \
                contextlib.redirect_stderr(io.StringIO()):
            status = command_line.main(["--no-build", "--only", "history", "--state",
                                        str(self.folder / "state.jsonl")])
        self.assertEqual(status, 0)
        text = (self.folder / "state.jsonl").read_text()
        self.assertIn('"of": "glibc"', text)
        self.assertNotIn("absent", text)

    def test_what_measures_belongs_to_the_work_of_a_suite(self):
        for suite, names in (("replay", ["worker_main.cc", "launcher.h", "redis.trace"]),
                             ("micro", ["peer_patterns"]), ("programs", ["peer_run", "rows.sql"]),
                             ("history", ["redis.py"]), ("startup", ["peer_run"])):
            inputs = {path.name for path in suites.inputs(suite)}
            self.assertLessEqual({"suites.py", *names}, inputs, suite)
        with mock.patch.object(suites.shutil, "which", lambda _: "/x/redis-server"):
            self.assertIn(pathlib.Path("/x/redis-server"), suites.inputs("history"))

    def test_glibc_is_told_by_its_library(self):
        libc = next(line.split()[-1] for line in open("/proc/self/maps")
                    if line.rstrip().endswith("/libc.so.6"))
        self.assertEqual(GLIBC.fingerprint(), processes.fingerprint([libc]))
        self.assertEqual(allocators.FLOOR.fingerprint(), "")

    def test_one_allocator_is_measured_again_and_said_to_be_apart(self):
        job = FakeJob("a", {"glibc": 4.0, "mem": [2.0, 3.0]})
        self.state().identify("full", "mem", "1", allocator="mem")
        self.measure([job], [GLIBC, MEM])
        self.state().forget("quick", "mem")
        self.assertEqual(self.measure([job], [GLIBC, MEM])[0], 0)
        self.state().forget("full", "mem")
        self.state().identify("full", "mem", "2", allocator="mem")
        self.assertEqual(self.measure([job], [GLIBC, MEM])[0], 1)
        document = self.document([job], [GLIBC, MEM])
        self.assertEqual(document["rows"][0]["values"], {"glibc": 4.0, "mem": 3.0})
        self.assertEqual(document["context"]["measured_apart"], ["mem"])
        self.assertIn("not side by side with the others: mem.", tables.markdown(document))

    def test_an_allocator_that_comes_later_is_measured_beside_the_others(self):
        job = FakeJob("a", dict.fromkeys(("glibc", "mem", "fast", "lean"), 1.0))
        self.measure([job], [GLIBC, MEM, LEAN])
        self.assertEqual(self.measure([job], [GLIBC, MEM, FAST])[0], 3)
        document = self.document([job], [GLIBC, MEM, FAST])
        self.assertEqual(document["context"]["measured_apart"], [])
        document = self.document([job], [GLIBC, MEM, FAST, LEAN])
        self.assertEqual(document["context"]["measured_apart"], ["lean"])

    def test_an_allocator_that_comes_later_can_be_measured_alone(self):
        job = FakeJob("a", {"glibc": 1.0, "mem": 1.0, "fast": 1.0})
        self.measure([job], [GLIBC, MEM])
        self.state().forget("full", "fast")
        self.assertEqual(self.measure([job], [GLIBC, MEM, FAST])[0], 1)
        document = self.document([job], [GLIBC, MEM, FAST])
        self.assertEqual(document["context"]["measured_apart"], ["fast"])

    def test_a_foreign_file_is_refused(self):
        (self.folder / "state.jsonl").write_text("hello\n")
        with self.assertRaisesRegex(StateError, "state.jsonl:1: .*--fresh"):
            self.state()

    def test_the_order_changes_from_round_to_round(self):
        names = list("abcdef")
        orders = [plan.order(names, i, "job") for i in range(6)]
        self.assertTrue(all(sorted(one) == names for one in orders))
        self.assertGreater(len({tuple(one) for one in orders}), 3)
        self.assertEqual(orders[2], plan.order(names, 2, "job"))

    def test_all_allocators_of_a_job_run_side_by_side(self):
        jobs = [FakeJob(name, {"glibc": 1.0, "mem": 1.0}) for name in "ab"]
        steps = plan.todo(jobs, [GLIBC, MEM, ABSENT], 2, self.state(), "full")
        self.assertEqual([(i, job.name, len(left)) for i, job, left in steps],
                         [(0, "a", 2), (0, "b", 2), (1, "a", 2), (1, "b", 2)])


class WithRow(WithFolder):
    AMONG = [GLIBC, MEM, FAST, LEAN, ABSENT]

    def made(self, rounds=2, **figures):
        job = FakeJob("a", {"glibc": [4.0, 4.0], "mem": [3.0, 5.0], "fast": [2.0, 2.0],
                            "lean": [8.0, 8.0]} | figures)
        self.measure([job], self.AMONG, rounds)
        return self.document([job], self.AMONG, rounds)


class Rows(WithRow):
    def test_ratios_best_peer_and_spread(self):
        row = self.made()["rows"][0]
        self.assertEqual(row["values"],
                         {"glibc": 4, "mem": 4, "fast": 2, "lean": 8, "absent": None})
        self.assertEqual(row["ratios"],
                         {"glibc": 1, "mem": 1, "fast": 0.5, "lean": 2, "absent": None})
        self.assertEqual((row["best_peer"], row["mem_over_best_peer"]), ("fast", 2))
        self.assertEqual(row["mem_over_best_peer_rounds"], [1.5, 2.5])
        self.assertEqual(row["samples"]["mem"], [3, 5])
        self.assertEqual(row["missing"], {"absent": "not installed"})

    def test_one_failure_leaves_no_figure(self):
        row = self.made(mem=[3.0, processes.Failure("crash")])["rows"][0]
        self.assertIsNone(row["values"]["mem"])
        self.assertIsNone(row["mem_over_best_peer"])
        self.assertEqual(row["missing"]["mem"], "failed: crash")

    def test_a_group_mean_needs_every_row(self):
        jobs = [FakeJob("a", {"glibc": 1.0, "mem": 2.0, "fast": 4.0, "lean": 3.0}),
                FakeJob("b", {"glibc": 1.0, "mem": 8.0, "fast": 1.0,
                              "lean": processes.Failure("x")})]
        self.measure(jobs, self.AMONG)
        group = self.document(jobs, self.AMONG)["groups"][0]
        self.assertEqual((group["group"], group["rows"]), ("micro: fake", 2))
        self.assertAlmostEqual(group["means"]["mem"], 4)
        self.assertAlmostEqual(group["means"]["fast"], 2)
        self.assertIsNone(group["means"]["lean"])
        self.assertIsNone(group["means"]["absent"])
        self.assertAlmostEqual(group["best_peer_of_each_row"], math.sqrt(3))
        self.assertEqual(group["best_peer"], "fast")
        self.assertAlmostEqual(group["mem_over_best_peer"], 2)

    def test_scaling_is_two_threads_over_one(self):
        jobs = [FakeJob("local-1-thread", {"glibc": 10.0, "mem": 10.0}),
                FakeJob("local-2-threads", {"glibc": 10.0, "mem": 30.0})]
        self.measure(jobs, [GLIBC, MEM])
        row = self.document(jobs, [GLIBC, MEM])["rows"][-1]
        self.assertEqual((row["metric"], row["values"]), ("scaling", {"glibc": 1, "mem": 3}))


class Markdown(WithRow):
    def test_losses_and_gaps_are_in_sight(self):
        text = tables.markdown(self.made())
        self.assertIn("| a: time | 4.00 ns | 1.00 | 0.50 | 2.00 | not installed | fast | **2.00** "
                      "| 1.50 to 2.50 |", text)
        self.assertIn("behind the best peer by more than 2 % in 1 of 1 rows (1 of them in every "
                      "round), behind glibc in 0:\n\na: time 2.00.", text)
        self.assertIn("| micro: fake (1) | 1.00 | 1.00 | 0.50 | 2.00 | – | 0.50 | fast | **2.00** "
                      "| **2.00** |", text)
        self.assertIn("fast 1.2", text)
        self.assertIn("absent (not installed)", text)

    def test_behind_in_every_round_is_behind_by_as_much_as_counts(self):
        self.assertIn("1 of 1 rows (0 of them in every round)",
                      tables.markdown(self.made(mem=[2.02, 2.2])))

    def test_a_tree_that_git_does_not_show_is_not_called_unchanged(self):
        with mock.patch.object(summary, "run", side_effect=processes.Failure("no")):
            document = self.made()
        self.assertEqual([document["context"][key] for key in ("git_revision", "git_changed")],
                         [None, None])
        self.assertIn("; mem of an unknown revision; ", tables.markdown(document))

    def test_git_has_the_settings_of_the_caller(self):
        with mock.patch.object(summary, "run", return_value="abc") as run, \
                mock.patch.dict(os.environ, HOME="/at/home"):
            self.made()
        self.assertTrue(run.call_args_list)
        for call in run.call_args_list:
            self.assertEqual(call.args[2]["HOME"], "/at/home")

    def test_a_win_is_not_bold_and_a_failure_is_named(self):
        text = tables.markdown(self.made(mem=[1.0, 1.0], lean=[8.0, processes.Failure("crash")]))
        self.assertIn("| a: time | 4.00 ns | 0.25 | 0.50 | failed | not installed | fast | 0.50 |",
                      text)
        self.assertIn("in 0 of 1 rows (0 of them in every round), behind glibc in 0.", text)
        self.assertIn("Failed: a (lean: failed: crash).", text)

    def test_every_line_of_a_table_has_the_same_columns(self):
        counts = {line.count("|") for line in tables.markdown(self.made()).splitlines()
                  if line.startswith("|") and "a: time" in line or line.startswith("|  |")}
        self.assertEqual(len(counts), 1)

    def test_figures(self):
        for value, text in ((1234.5, "1,234"), (99.94, "99.9"), (3.14159, "3.14"), (None, "–"),
                            (-0.5, "-0.50")):
            self.assertEqual(tables.figure(value), text)

    def test_a_section_is_replaced_again_and_again(self):
        path = self.folder / "B.md"
        path.write_text(f"before\n{tables.BEGIN}\nold\n{tables.END}\nafter\n")
        for text in ("one\n", "two\n", "two\n"):
            tables.update_section(path, text)
        self.assertEqual(path.read_text(),
                         f"before\n{tables.BEGIN}\n\ntwo\n\n{tables.END}\nafter\n")
        for bad in ("no marks", f"{tables.END}{tables.BEGIN}", tables.BEGIN * 2 + tables.END):
            path.write_text(bad)
            with self.assertRaises(tables.TableError):
                tables.update_section(path, "x")
            self.assertEqual(path.read_text(), bad)
        self.assertEqual([p.name for p in self.folder.glob("B.md*")], ["B.md"])

    def test_a_table_is_published_unless_something_failed(self):
        path = self.folder / "BENCHMARK.md"
        path.write_text(f"{tables.BEGIN}\nold\n{tables.END}\n")
        with mock.patch.object(tables, "ROOT", self.folder):
            with self.assertRaisesRegex(tables.TableError, "BENCHMARK.md stays as it was"):
                tables.publish("new", True, 1, tables.BEGIN, tables.END)
            self.assertIn("old", path.read_text())
            tables.publish("new", True, 0, tables.BEGIN, tables.END)
            self.assertIn("new", path.read_text())
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                tables.publish("shown", False, 1, tables.BEGIN, tables.END)
        self.assertEqual(printed.getvalue(), "shown")
        self.assertIn("new", path.read_text())

    def test_a_result_is_printed_and_another_document_refused(self):
        path = self.folder / "r.json"
        path.write_text(json.dumps(self.made()))
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            self.assertEqual(command_line.main(["--markdown", str(path)]), 0)
        self.assertIn("### Geometric means", printed.getvalue())
        for text, why in (("{", "not JSON"), ('{"schema": "x"}', "not a result of bench_peers"),
                          ('{"schema": "allocreplay-peers", "schema_version": "2.0"}', "2.0")):
            path.write_text(text)
            said = io.StringIO()
            with contextlib.redirect_stderr(said):
                self.assertEqual(command_line.main(["--markdown", str(path)]), 1)
            self.assertIn(why, said.getvalue())


class Processes(WithFolder):
    def test_output_and_failures(self):
        env = processes.environment()
        self.assertEqual(processes.run(["cat"], 10, env, "hello"), "hello")
        for command, why in ((["sh", "-c", "echo no >&2; exit 3"], "exit status 3: no"),
                             (["sh", "-c", "kill -9 $$"], "killed by signal 9"),
                             (["no-such-program"], "No such file")):
            with self.assertRaisesRegex(processes.Failure, why):
                processes.run(command, 10, env)

    def test_nothing_outlives_the_time_limit(self):
        """The grandchild holds a pipe, which reaches its end when the last holder is gone."""
        read, write = os.pipe()
        with self.assertRaisesRegex(processes.Failure, "not done after"):
            processes.run(["sh", "-c", "sleep 60 & sleep 60"], 0.2, processes.environment(),
                          pass_fds=(write,))
        os.close(write)
        ended = select.select([read], [], [], 20)[0]
        os.close(read)
        self.assertTrue(ended, "a grandchild lives on")

    def test_commands_of_redis_are_encoded(self):
        self.assertEqual(redis.encode([b"SET", b"a", b"xyz"]),
                         b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$3\r\nxyz\r\n")


class Programs(WithFolder):
    def patterns(self, *words):
        # What is alive at the end of a pattern is meant to be.
        env = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
        done = subprocess.run([BIN / "peer_patterns", *words], capture_output=True, text=True,
                              env=env, timeout=120, check=False)
        return done.returncode, done.stdout

    def test_every_pattern_and_floor_gives_figures(self):
        code, listed = self.patterns("--list")
        self.assertEqual(code, 0)
        self.assertGreater(len(listed.splitlines()), 20)
        for line in listed.splitlines():
            name, floor = line.split("\t")
            for more in [[], ["--floor"]] if floor != "none" else [[]]:
                code, printed = self.patterns(name, "--divide", "1000", *more)
                self.assertEqual(code, 0, name)
                result = json.loads(printed)
                self.assertEqual(result["pattern"], name)
                self.assertLessEqual(0 < result["ns_best"], result["ns_median"], name)

    def test_wrong_usage_of_patterns(self):
        for words in ([], ["none"], ["larson", "--floor"], ["larson", "--divide", "0"],
                      ["larson", "--what"]):
            self.assertEqual(self.patterns(*words)[0], 2, words)

    def test_peer_run_measures_a_command(self):
        output = self.folder / "cost.json"
        command = ["sh", "-c", "while [ $((i += 1)) -lt 100000 ]; do :; done; exit 7"]
        begin = time.monotonic()
        done = subprocess.run([BIN / "peer_run", output, *command], check=False, timeout=60)
        wall = time.monotonic() - begin
        cost = json.loads(output.read_text())
        self.assertEqual((done.returncode, cost["exit_status"]), (7, 7))
        self.assertGreater(cost["user_s"], 0)
        self.assertLessEqual(cost["wall_s"], wall)
        self.assertGreater(cost["max_rss_kib"], 100)
        self.assertGreater(cost["high_water_kib"], 100)

    @unittest.skipIf(SANITIZED, "a sanitizer's runtime makes the starter large")
    def test_peer_run_does_not_count_its_own_memory(self):
        output = self.folder / "cost.json"
        subprocess.run([BIN / "peer_run", output, "true"], check=True, timeout=60)
        own = self.folder / "own.json"
        ballast = bytearray(64 << 20)  # of this process, which the starter must not pass on
        subprocess.run([BIN / "peer_run", own, "true"], check=True, timeout=60)
        del ballast
        self.assertLess(json.loads(own.read_text())["max_rss_kib"],
                        json.loads(output.read_text())["max_rss_kib"] + 4096)

    def test_peer_run_passes_signals_and_misses_on(self):
        output = self.folder / "cost.json"
        for command, code in ((["sh", "-c", "kill -TERM $$"], 143), (["no-such-program"], 127)):
            done = subprocess.run([BIN / "peer_run", output, *command], check=False, timeout=60,
                                  stderr=subprocess.DEVNULL)
            self.assertEqual(done.returncode, code)

    def test_peer_run_preloads_only_the_command(self):
        output = self.folder / "cost.json"
        script = "echo $LD_PRELOAD$PEER_PRELOAD"
        done = subprocess.run([BIN / "peer_run", output, "sh", "-c", script],
                              env=processes.environment(PEER_PRELOAD="libc.so.6"), text=True,
                              capture_output=True, check=True, timeout=60)
        self.assertEqual(done.stdout, "libc.so.6\n")


if __name__ == "__main__":
    unittest.main()
