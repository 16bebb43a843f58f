"""scripts/ci_regress without building: what differs from a baseline, how it is said, how it ends."""

import contextlib
import copy
import io
import json
import os
import pathlib
import shlex
import subprocess
import tempfile
import unittest
from unittest import mock

from peer_bench import processes
from peer_bench.processes import ROOT
from peer_bench.tables import TableError
from regress import __main__ as command_line
from regress import baseline, builds

BUILD = pathlib.Path(os.environ["ALLOCREPLAY_BUILD"])
SANITIZED = os.environ.get("ALLOCREPLAY_SANITIZE", "")


def document(pages=1000.0, calls=4.0):
    return {"schema": "allocreplay-baseline", "schema_version": "1.0",
            "trace": {"name": "small", "sha256": "0" * 64},
            "context": {"kernel": "6.1", "counted_by": "callgrind"},
            "units": {"peak_resident_pages": "pages", "calls_mmap": "calls"},
            "figures": {"glibc": {"peak_resident_pages": 900.0},
                        "mem": {"peak_resident_pages": pages, "calls_mmap": calls}}}


class Differences(unittest.TestCase):
    def kinds(self, old, new):
        return {key: kind for _, key, _, _, _, kind in baseline.differences(old, new)}

    def test_equal_figures_do_not_differ(self):
        self.assertEqual(self.kinds(document(), document()), {})

    def test_a_trifle_is_within_and_more_is_more(self):
        self.assertEqual(self.kinds(document(), document(1004, 5)),
                         {"peak_resident_pages": "within", "calls_mmap": "within"})
        self.assertEqual(self.kinds(document(), document(1030, 2)),
                         {"peak_resident_pages": "more", "calls_mmap": "less"})

    def test_pages_that_the_clock_decides_may_differ_more(self):
        old, new = ({**document(), "figures": {"mem": {"peak_resident_pages": pages,
                                                       "cost_peak_resident_pages": pages}}}
                    for pages in (1000.0, 1019.0))
        self.assertEqual(self.kinds(old, new), {"peak_resident_pages": "within",
                                                "cost_peak_resident_pages": "more"})

    def test_what_came_and_went_is_said(self):
        new = document()
        new["figures"]["mem"]["cost_x"] = 5.0
        del new["figures"]["mem"]["calls_mmap"]
        self.assertEqual(self.kinds(document(), new), {"cost_x": "new", "calls_mmap": "gone"})

    def test_only_more_of_mem_is_a_regression(self):
        more = document(1100)
        self.assertEqual(baseline.regressions(baseline.differences(document(), more)), 1)
        self.assertEqual(baseline.regressions(baseline.differences(more, document())), 0)
        other = document()
        other["figures"]["glibc"]["peak_resident_pages"] = 2000.0
        self.assertEqual(baseline.regressions(baseline.differences(document(), other)), 0)

    def test_markdown_names_the_change(self):
        text = baseline.markdown("small", baseline.differences(document(), document(1100)))
        self.assertIn("| mem: peak_resident_pages | pages | 1,000 | 1,100 | +10.00 % | **more** |",
                      text)


class Case(unittest.TestCase):
    """Ends that depend on nothing measured."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="allocreplay-regress-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.measured = document()
        for patch in (mock.patch.object(baseline, "FOLDER", self.folder),
                      mock.patch.object(baseline, "measure", lambda *_: self.measured)):
            patch.start()
            self.addCleanup(patch.stop)

    def run_it(self, *words):
        output = io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(io.StringIO()):
            status = command_line.main(["--trace", "small", "--build-dir", str(self.folder),
                                        *words])
        return status, output.getvalue()


class Run(Case):
    def run_it(self, *words):
        return super().run_it("--deterministic", *words)

    def test_update_shows_what_changed_and_then_it_is_the_baseline(self):
        status, text = self.run_it()
        self.assertEqual(status, 4)
        self.assertIn("has no baseline", text)
        self.assertEqual(self.run_it("--update")[0], 0)
        self.assertEqual(self.run_it()[0], 0)
        self.measured = document(1100)
        status, text = self.run_it()
        self.assertEqual(status, 3)
        self.assertIn("**more**", text)
        status, text = self.run_it("--update")
        self.assertEqual(status, 0)
        self.assertIn("**more**", text)
        self.assertEqual(self.run_it()[0], 0)

    def test_another_trace_cannot_be_told_and_another_place_is_said(self):
        self.run_it("--update")
        self.measured = copy.deepcopy(self.measured)
        self.measured["context"]["kernel"] = "6.2"
        self.assertIn("kernel: 6.1 -> 6.2", self.run_it()[1])
        self.measured["trace"]["sha256"] = "1" * 64
        self.assertEqual(self.run_it()[0], 4)

    def test_instructions_that_something_else_counted_cannot_be_told(self):
        self.run_it("--update")
        for other in ("perf", None):
            self.measured = document()
            self.measured["context"]["counted_by"] = other
            status, text = self.run_it()
            self.assertEqual(status, 4)
            self.assertIn(f"counted by callgrind, not by {other}", text)
            self.assertEqual(self.run_it("--update")[0], 0)
            self.measured = document()
            self.assertEqual(self.run_it()[0], 4)
            self.run_it("--update")

    def test_a_figure_of_mem_that_is_gone_cannot_be_told(self):
        self.run_it("--update")
        self.measured = document()
        del self.measured["figures"]["glibc"]["peak_resident_pages"]
        self.assertEqual(self.run_it()[0], 0)
        self.measured = document()
        del self.measured["figures"]["mem"]["calls_mmap"]
        self.assertEqual(self.run_it()[0], 4)
        self.measured["figures"]["mem"]["peak_resident_pages"] *= 2
        self.assertEqual(self.run_it()[0], 3)

    def test_a_foreign_baseline_is_refused(self):
        for text in ("{", "[]", json.dumps({**document(), "schema_version": "2.0"})):
            (self.folder / "small.json").write_text(text)
            with self.assertRaises(TableError):
                baseline.load("small")
            self.assertEqual(self.run_it()[0], 1)

    def test_wrong_usage_is_2(self):
        for words in (["--update"], ["--trace", "nothing"], ["--nonsense"]):
            with self.assertRaises(SystemExit) as ended, contextlib.redirect_stderr(io.StringIO()):
                command_line.main(words)
            self.assertEqual(ended.exception.code, 2)


class AgainstBase(Case):
    """With a stand-in for allocreplay that ends as it is told."""

    def setUp(self):
        super().setUp()
        self.base = self.folder / "base" / "libmem.so"
        for name, value in (("git", lambda *_: "0" * 40), ("merge_base", lambda: "1" * 40),
                            ("library_of", lambda _: self.base)):
            patch = mock.patch.object(builds, name, value)
            patch.start()
            self.addCleanup(patch.stop)
        self.program = self.folder / "bin" / "allocreplay"
        self.program.parent.mkdir()
        self.run_it("--deterministic", "--update")

    def ab_ends(self, *statuses):
        """One for each call, the last one for all that follow."""
        for i, status in enumerate(statuses):
            (self.folder / f"status{i}").write_text(str(status))
        self.program.write_text(f"""#!/bin/sh
cd {shlex.quote(str(self.folder))}
echo "$@" >>calls
printf 'title\\n\\n| the table |\\n'
echo 'it failed' >&2
status=$(ls status* | head -n 1)
read -r code <"$status"
if [ "$(ls status* | wc -l)" -gt 1 ]; then rm "$status"; fi
exit "$code"
""")
        self.program.chmod(0o755)

    def test_it_ends_as_ab_does(self):
        for status in (0, 3, 4):
            self.ab_ends(status)
            options = command_line.arguments(["--trace", "small"])
            with contextlib.redirect_stderr(io.StringIO()):
                judged, text = command_line.judge("small", options, self.folder, self.base)
            self.assertEqual(judged, status)
            self.assertEqual(text, "#### small\n\n| the table |\n")
            ended, text = self.run_it()
            self.assertEqual(ended, status)
            self.assertIn("#### small\n\n| the table |\n", text)

    def test_this_tree_is_the_subject_and_the_base_what_it_is_held_against(self):
        self.ab_ends(0)
        self.run_it()
        words = (self.folder / "calls").read_text().split()
        self.assertEqual(words[0], "ab")
        for option, value in (("-a", self.folder / "lib" / "libmem.so"), ("-b", self.base),
                              ("-t", ROOT / "traces" / "small.trace")):
            self.assertEqual(words[words.index(option) + 1], str(value))

    def test_one_trace_that_is_worse_decides(self):
        for statuses, ended in (((3, 0), 3), ((4, 3), 3), ((4, 0), 4), ((0, 0), 0)):
            self.ab_ends(*statuses)
            self.assertEqual(self.run_it("--trace", "small", "--base", "x")[0], ended, statuses)

    def test_what_ab_could_not_do_is_an_error(self):
        self.ab_ends(1)
        self.assertEqual(self.run_it()[0], 1)

    def test_a_worse_baseline_counts_too(self):
        self.ab_ends(0)
        self.measured = document(1100)
        self.assertEqual(self.run_it()[0], 3)


class Baselines(unittest.TestCase):
    def test_instructions_are_counted_the_same_way_everywhere(self):
        options = []

        def replay(_binary, _trace, *words):
            options.append(words)
            cost = {"counted_by": words[words.index("--cost-by") + 1]} if words else None
            return mock.Mock(results=[], context=mock.MagicMock(), config={"cost": cost})

        with mock.patch.object(baseline, "replay", replay):
            measured = baseline.measure(pathlib.Path("x"), "small")
        self.assertEqual(options, [(), ("--cost", "instructions", "--cost-by", "callgrind")])
        self.assertEqual(measured["context"]["counted_by"], "callgrind")
        for name in command_line.TRACES:
            self.assertEqual(baseline.load(name)["context"]["counted_by"], "callgrind")


class Workflow(unittest.TestCase):
    def test_what_it_needs_is_installed_before(self):
        text = (ROOT / ".github/workflows/regress.yml").read_text()
        self.assertLess(text.index("scripts/bootstrap --for test"),
                        text.index("scripts/ci_regress --base"))
        needed = subprocess.run([ROOT / "scripts/bootstrap", "--for", "test", "--list"],
                                capture_output=True, text=True, check=True).stdout.split()
        self.assertLessEqual({"python3", "python3-numpy", "valgrind"}, set(needed))

    def test_the_tree_is_built_with_what_the_figures_need(self):
        done = mock.Mock(returncode=0)
        with mock.patch.object(builds.subprocess, "run", return_value=done) as run:
            builds.build_head()
        self.assertEqual(run.call_args_list[0].args[0][1:], ["--for", "test"])


class Measure(unittest.TestCase):
    def test_huge_pages_are_left_out(self):
        status = processes.run(["cat", "/proc/self/status"], 60, processes.environment(),
                               preexec_fn=baseline.without_huge_pages)
        self.assertIn("THP_enabled:\t0", status)

    @unittest.skipIf(SANITIZED, "a sanitizer's malloc and a preloaded one exclude each other")
    def test_one_thread_replays_all(self):
        result = baseline.replay(BUILD / "bin/allocreplay", ROOT / "traces/small.trace",
                                 "--events", ":1k")
        self.assertEqual(result.config["threads"], "1")

    @unittest.skipIf(SANITIZED, "a sanitizer's malloc and a preloaded one exclude each other")
    def test_two_measurements_agree(self):
        one, two = (baseline.measure(BUILD / "bin/allocreplay", "small") for _ in range(2))
        self.assertEqual({kind for *_, kind in baseline.differences(one, two)} - {"within"}, set())
        self.assertGreater(one["figures"]["mem"]["cost_peak_resident_pages"], 0)

    @unittest.skipIf(SANITIZED, "a sanitizer's malloc and a preloaded one exclude each other")
    def test_a_library_against_itself_has_a_verdict_in_markdown(self):
        options = command_line.arguments(["--trace", "small", "--metric", "peak_resident_pages",
                                          "--repeat", "12"])
        with contextlib.redirect_stderr(io.StringIO()):
            status, text = command_line.judge("small", options, BUILD, BUILD / "lib/libmem.so")
        self.assertEqual(status, 0, text)
        self.assertIn("#### small", text)
        self.assertIn("| peak_resident_pages | pages |", text)

    def test_a_commit_that_is_none_is_refused(self):
        if subprocess.run(["git", "-C", str(builds.ROOT), "rev-parse"], capture_output=True,
                          check=False).returncode:
            self.skipTest("no git repository")
        with self.assertRaises(builds.Failure):
            builds.commit("no-such-commit")


if __name__ == "__main__":
    unittest.main()
