"""allocreplay generate, as a user runs it."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["ALLOCREPLAY_SOURCE"])
BIN = pathlib.Path(os.environ["ALLOCREPLAY_BUILD"]) / "bin"
SMALL = SOURCE / "traces/small.trace"


def allocreplay(*args, **options):
    return subprocess.run([BIN / "allocreplay", *map(str, args)], capture_output=True,
                          timeout=120, check=False, **options)


class Generate(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_well(self, *args, **options):
        done = allocreplay(*args, **options)
        self.assertEqual((done.returncode, done.stderr), (0, b""), args)
        return done.stdout

    def inspect(self, trace):
        return json.loads(self.run_well("inspect", trace, "--json"))

    def test_the_list_has_each_with_its_parameters(self):
        rows = json.loads(self.run_well("generate", "--list", "--json"))
        self.assertIn("steady", [row["name"] for row in rows])
        text = self.run_well("generate", "--list").decode()
        for row in rows:
            self.assertIn(f"{row['name']} (version {row['version']})", text)
            for parameter in row["parameters"]:
                self.assertIn(f"[{parameter['default']}]", text)
        one = self.run_well("generate", "larson", "--list").decode()
        self.assertIn("Larson and Krishnan", one)
        self.assertNotIn("steady", one)

    def test_same_inputs_same_bytes_and_a_valid_trace(self):
        args = ("generate", "steady", "--seed", 5, "--param", "events=5k", "-p", "threads=2", "-o")
        for name in ("a", "b"):
            self.assertEqual(self.run_well(*args, self.folder / name), b"")
        self.assertEqual((self.folder / "a").read_bytes(), (self.folder / "b").read_bytes())
        self.run_well("validate", "--quiet", self.folder / "a")
        document = self.inspect(self.folder / "a")
        self.assertEqual((document["events"], document["threads"]), (5000, 2))
        provenance = document["provenance"]
        self.assertEqual((provenance["generator"], provenance["seed"]), ("steady", 5))
        self.assertEqual(provenance["parameters"]["events"], "5k")
        self.assertEqual(provenance["parameters"]["calloc"], "0")

    def test_a_pipe_carries_it(self):
        trace = self.run_well("generate", "growth", "--param", "events=3k", "-o", "-")
        document = json.loads(self.run_well("inspect", "-", "--json", input=trace))
        self.assertEqual(document["events"], 3000)

    def test_a_copy_comes_with_its_distances(self):
        copy, report = self.folder / "copy", self.folder / "report.json"
        done = allocreplay("generate", "--like", SMALL, "--scale", 2, "--threads", 2, "--seed", 1,
                           "--replay", "none", "--report", report, "-o", copy)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr.decode(), r"sizes asked for +0\.\d+ +0\.\d+\n")
        document = json.loads(report.read_text())
        self.assertEqual(document["schema"], "allocreplay-likeness")
        events = self.inspect(copy)["events"]
        self.assertEqual(document["copy"]["events"], events)
        self.assertAlmostEqual(events / document["original"]["events"], 4, delta=0.6)
        self.assertEqual(document["replayed"], [])
        self.assertIn("lifetimes", [row["name"] for row in document["distances"]])
        self.assertIn("not replayed", done.stderr.decode())
        self.run_well("validate", "--quiet", copy)

    def test_a_copy_is_replayed_beside_the_original(self):
        report = self.folder / "report.json"
        done = allocreplay("generate", "--like", SMALL, "--report", report,
                           "-o", self.folder / "copy")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr.decode(), r"glibc: peak_resident_pages +\d")
        rows = json.loads(report.read_text())["replayed"]
        metrics = {row["metric"]: row for row in rows}
        self.assertGreater(metrics["throughput_events_per_s"]["ratio"], 0)
        self.assertGreater(metrics["peak_resident_pages"]["copy"], 0)

    def test_a_copy_in_a_pipe_is_not_replayed(self):
        done = allocreplay("generate", "--like", SMALL, "-o", "-")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("not replayed", done.stderr.decode())
        self.run_well("validate", "--quiet", "-", input=done.stdout)

    def test_a_copy_does_not_take_the_place_of_its_original(self):
        original = self.folder / "original.trace"
        original.write_bytes(SMALL.read_bytes())
        for name in (original, self.folder / "." / "original.trace"):
            done = allocreplay("generate", "--like", original, "-o", name)
            self.assertEqual((done.returncode, done.stdout), (2, b""))
            self.assertIn(b"is the original itself", done.stderr)
        self.assertEqual(original.read_bytes(), SMALL.read_bytes())

    def test_the_report_of_a_copy_whose_path_is_not_utf_8(self):
        out, report = os.fsencode(self.folder) + b"/\xff.trace", self.folder / "report.json"
        done = subprocess.run([BIN / "allocreplay", "generate", "--like", SMALL, "--replay", "none",
                               "--report", report, "-q", "-o", out], check=False)
        self.assertEqual(done.returncode, 0)
        self.assertTrue(json.loads(report.read_text())["copy"]["path"].endswith("\ufffd.trace"))

    def test_errors_are_one_line_and_leave_nothing(self):
        out = self.folder / "out"
        for args, code in (
                ((), 2), (("steady",), 2), (("-o", out), 2), (("nothing", "-o", out), 2),
                (("steady", "-p", "events=0", "-o", out), 2),
                (("steady", "-p", "evnts=5", "-o", out), 2),
                (("steady", "-p", "size=big", "-o", out), 2),
                (("steady", "--scale", 2, "-o", out), 2),
                (("steady", "--like", SMALL, "-o", out), 2),
                (("--like", SMALL, "--replay", "mem", "-o", "-"), 2),
                (("--like", SMALL, "--replay", "mem", "--replay", "none", "-o", out), 2),
                (("steady", "--seed", "-1", "-o", out), 2),
                (("steady", "--seed", 2 ** 64, "-o", out), 2),
                (("comb", "-p", "least=32Ki", "-o", out), 2),
                (("edges", "-p", "least=2Mi", "-o", out), 2),
                (("edges", "-p", "least=17", "-p", "greatest=31", "-o", out), 2),
                (("requests", "-p", "scratch=80", "-p", "session=30", "-o", out), 2),
                (("--like", self.folder / "none", "-o", out), 1),
                (("--like", SOURCE / "LICENSE", "-o", out), 1),
                (("steady", "-o", self.folder / "no" / "folder"), 1)):
            with self.subTest(args):
                done = allocreplay("generate", *args)
                self.assertEqual((done.returncode, done.stdout), (code, b""))
                self.assertRegex(done.stderr.decode(), r"^allocreplay: [^\n]+\n$")
                self.assertFalse(out.exists())


if __name__ == "__main__":
    unittest.main()
