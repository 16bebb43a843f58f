"""Damaged, cut and odd traces through the commands that make a trace of a trace."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["ALLOCREPLAY_SOURCE"])
PROGRAM = pathlib.Path(os.environ["ALLOCREPLAY_BUILD"]) / "bin/allocreplay"
GOLDEN = SOURCE / "tests/golden/v1.trace"  # 500 events in blocks of 100, 3 lost
EVENTS = 40_000  # two blocks


def run(*args, stdin=None):
    return subprocess.run([PROGRAM, *map(str, args)], capture_output=True, input=stdin, timeout=60,
                          check=False)


def text_with_sites(events, function):
    """The text form of a trace that allocates at one site, in `function`."""
    lines = ["# allocreplay trace, text form 1",
             "time_ns\tthread\top\tobject\tsize\talign_log2\tsite",
             *(f"{i}\t0\tmalloc\t{i}\t8\t0\t1" for i in range(events)),
             f"# string\t{function}", "# frame\t0\t1\t1\t0\t0", "# node\t0\t0", "# stack\t1",
             f"# end\t{events}"]
    return "\n".join(lines).encode() + b"\n"


class DamagedTrace(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.out = self.folder / "out.trace"

    def with_sites(self, name, events, function):
        path = self.folder / name
        done = run("convert", "-", path, "-q", stdin=text_with_sites(events, function))
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return path

    def rewritten(self, *args):
        """What is said of it, on standard error, and what inspect finds in it."""
        done = run(*args)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(run("validate", self.out).returncode, 0)
        return done.stderr.decode(), json.loads(run("inspect", self.out, "--json").stdout)

    def test_damage_of_a_trace_with_sites_is_said(self):
        path = self.with_sites("hot.trace", EVENTS, "innermost")
        data = bytearray(path.read_bytes())
        last = data.rindex(b"ABLK")
        data[last + 100] ^= 1
        path.write_bytes(data)
        for command in (("slice", "-e", "0:"), ("filter", "--site", "innermost"), ("merge",),
                        ("merge", path), ("repair",)):
            with self.subTest(command):
                allow = () if command[0] == "repair" else ("--allow-truncated",)
                said, found = self.rewritten(command[0], path, *command[1:], *allow, "-q", "-o",
                                             self.out)
                traces = 2 if len(command) == 2 and command[0] == "merge" else 1
                self.assertEqual(said.count(f"hot.trace: at byte {last}: "), traces, said)
                self.assertEqual(found["events"], traces * 32768)
                self.assertEqual(found["file"]["lost_events"], traces * (EVENTS - 32768))
                self.assertEqual(found["sites"]["hot"][0]["stack"][0]["function"], "innermost")
        report = json.loads(run("slice", path, "-e", "0:", "--allow-truncated", "--json", "-o",
                                self.out).stdout)
        self.assertIn(f"at byte {last}", report["inputs"][0]["truncation"])

    def test_what_a_cut_trace_lost_stands_in_what_is_made_of_it(self):
        cut = self.folder / "secret.trace"
        cut.write_bytes(GOLDEN.read_bytes()[:6000])
        for command in (("slice", cut, "-e", "0:"), ("filter", cut, "--size", "0:"),
                        ("merge", cut), ("anonymise", cut), ("convert", cut, self.out)):
            with self.subTest(command[0]):
                output = () if command[0] == "convert" else ("-o", self.out)
                _, found = self.rewritten(*command, "--allow-truncated", *output)
                self.assertEqual(found["file"]["lost_events"], 3 + 200)
                step = found["provenance"]["history"][-1]
                self.assertEqual(step["command"], command[0])
                self.assertIn("at byte 6000: ", step["truncation"])
                self.assertEqual("secret" in step["truncation"], command[0] != "anonymise")
                self.assertIn("allocreplay", step["tool"])

    def test_a_window_lost_only_what_it_wanted(self):
        cut = self.folder / "cut.trace"
        cut.write_bytes(GOLDEN.read_bytes()[:6000])
        for window, lost in ((":200", 0), (":450", 150)):
            said, found = self.rewritten("slice", cut, "-e", window, "--allow-truncated", "-q", "-o",
                                         self.out)
            self.assertEqual(found["file"]["lost_events"], 3 + lost)
            self.assertEqual("truncation" in found["provenance"]["history"][0], lost > 0)
            self.assertEqual("at byte 6000" in said, lost > 0)

    def test_a_whole_trace_says_nothing_of_truncation(self):
        _, found = self.rewritten("slice", GOLDEN, "-e", "0:", "--allow-truncated", "-o", self.out)
        self.assertNotIn("truncation", found["provenance"]["history"][0])
        _, found = self.rewritten("convert", GOLDEN, self.out, "--allow-truncated")
        self.assertNotIn("history", found["provenance"])

    def test_two_pipes_with_sites_cannot_be_merged(self):
        paths = [self.with_sites(f"{name}.trace", 3, name) for name in ("a", "b")]
        done = subprocess.run(
            ["bash", "-c", '"$0" merge <(cat "$1") <(cat "$2") -q -o "$3"', PROGRAM, *paths,
             self.out], capture_output=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr.decode(), r"^allocreplay: [^\n]*call sites[^\n]*\n$")
        self.assertFalse(self.out.exists())

    def test_a_stream_without_its_call_sites_is_refused(self):
        path = self.with_sites("a.trace", 3, "innermost")
        stream = run("convert", path, "-", "--to", "trace", "-q").stdout
        self.assertEqual(run("validate", "-", stdin=stream).returncode, 0)
        without = stream[:stream.index(b"ASIT")] + stream[stream.index(b"AEND"):]
        done = run("validate", "-", stdin=without)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"the blocks end without the call sites", done.stderr)
        done = run("repair", "-", "-q", "-o", self.out, stdin=without)
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"the blocks end without the call sites", done.stderr)

    def test_merging_again_and_again_nests_nothing(self):
        small = self.folder / "small.trace"
        self.assertEqual(run("slice", GOLDEN, "-e", ":20", "-q", "-o", small).returncode, 0)
        self.rewritten("merge", GOLDEN, small, "-q", "-o", self.out)
        self.rewritten("slice", self.out, "-e", ":100", "-q", "-o", self.out)
        _, found = self.rewritten("merge", self.out, small, "--by", "order", "-q", "-o", self.out)
        provenance = found["provenance"]
        self.assertEqual([entry["trace"] for entry in provenance["merged"]],
                         [str(GOLDEN), str(small), str(small)])
        for entry in provenance["merged"]:
            self.assertNotIn("merged", entry["provenance"])
        self.assertEqual([step["command"] for step in provenance["history"]],
                         ["merge", "slice", "merge"])

    def test_names_that_are_not_utf8_are_reported(self):
        odd = self.folder / os.fsdecode(b"caf\xe9.trace")
        odd.write_bytes(GOLDEN.read_bytes())
        for args in (("validate", odd), ("slice", odd, "-e", "0:", "-o", self.out),
                     ("merge", odd, "-o", self.out)):
            with self.subTest(args[0]):
                done = run(*args, "--json")
                self.assertEqual((done.returncode, done.stderr), (0, b""))
                report = json.loads(done.stdout)
                path = report["path"] if args[0] == "validate" else report["inputs"][0]["path"]
                self.assertTrue(path.endswith("caf\ufffd.trace"), path)


if __name__ == "__main__":
    unittest.main()
