"""allocreplay corpus, as a user runs it: on a corpus of one trace, and the project's own."""

import csv
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["ALLOCREPLAY_SOURCE"])
BIN = pathlib.Path(os.environ["ALLOCREPLAY_BUILD"]) / "bin"
TRACES = SOURCE / "traces"
MANIFEST = json.loads((TRACES / "MANIFEST.json").read_text())


def corpus(*args, cwd=None):
    return subprocess.run([BIN / "allocreplay", "corpus", *map(str, args)], capture_output=True,
                          text=True, timeout=120, check=False, cwd=cwd)


def output(*args, **kwargs):
    done = corpus(*args, **kwargs)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


class Own(unittest.TestCase):
    """The project's corpus, as it is found from anywhere."""

    def test_the_table_of_the_readme_is_that_of_the_manifest(self):
        self.assertIn("\n" + output("list", "--markdown"), (TRACES / "README.md").read_text())

    def test_it_is_found_beside_the_program_and_in_the_current_folder(self):
        with tempfile.TemporaryDirectory() as empty:
            self.assertEqual(output("list", "--tsv", cwd=empty), output("list", "--tsv", cwd=SOURCE))
            one = pathlib.Path(empty) / "traces"
            one.mkdir()
            (one / "MANIFEST.json").write_text(json.dumps({**MANIFEST, "traces": []}))
            self.assertEqual(output("list", cwd=empty).splitlines()[1:],
                             ["0 traces, 0.0 million events, 0.0 MB in traces"])

    def test_tsv_and_json_have_every_trace(self):
        rows = list(csv.DictReader(output("list", "--tsv").splitlines(), delimiter="\t"))
        listed = json.loads(output("list", "--json"))
        self.assertEqual(listed["schema"], "allocreplay-corpus")
        for trace, row, entry in zip(MANIFEST["traces"], rows, listed["traces"], strict=True):
            self.assertEqual(row["file"], trace["file"])
            self.assertEqual(int(row["events"]), trace["events"])
            self.assertEqual(row["packages"], ", ".join(trace["packages"]))
            self.assertEqual(entry, {**trace, "bytes_per_event": trace["bytes"] / trace["events"]})

    def test_the_table_for_people_has_a_line_a_trace(self):
        lines = output("list").splitlines()
        self.assertEqual(len(lines), len(MANIFEST["traces"]) + 2)
        self.assertRegex(lines[-1], r"^\d+ traces, [\d.]+ million events, [\d.]+ MB in ")
        self.assertTrue(any(line.startswith("small.trace ") for line in lines))

    def test_it_has_the_breadth_that_was_promised(self):
        traces = MANIFEST["traces"]
        self.assertGreaterEqual(len(traces), 14)
        self.assertGreaterEqual(sum(trace["cross_thread_frees"] > trace["frees"] / 100
                                    for trace in traces), 5)

    def test_one_of_it_verifies(self):
        self.assertRegex(output("verify", "small.trace"), r"^ok     small\.trace: \d+ events\n$")


class One(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        shutil.copy(TRACES / "small.trace", self.folder)
        self.row = next(dict(row) for row in MANIFEST["traces"] if row["file"] == "small.trace")
        self.write()

    def write(self):
        (self.folder / "MANIFEST.json").write_text(json.dumps({**MANIFEST, "traces": [self.row]}))

    def verify(self, *args):
        return corpus("verify", "--traces", self.folder, *args)

    def test_verify_passes_what_is_true(self):
        done = self.verify()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        document = json.loads(self.verify("--json").stdout)
        self.assertEqual(document["schema"], "allocreplay-corpus-verify")
        self.assertEqual(document["traces"], [{"file": "small.trace", "ok": True,
                                               "events": self.row["events"], "faults": []}])

    def test_verify_names_the_faults_and_fails(self):
        self.row["peak_live_bytes"] += 1
        self.write()
        shutil.copy(TRACES / "small.trace", self.folder / "other.trace")
        done = self.verify()
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"^FAULT  small\.trace: \d+ bytes live at the peak, but")
        self.assertIn("\nFAULT  other.trace: has no entry in MANIFEST.json\n", done.stdout)
        self.assertEqual(done.stderr, f"allocreplay: {self.folder}: 2 of 2 traces are not what "
                                      "MANIFEST.json says\n")
        done = self.verify("--json")
        self.assertEqual(done.returncode, 1)
        self.assertEqual([trace["ok"] for trace in json.loads(done.stdout)["traces"]], [False] * 2)

    def test_a_damaged_trace_is_a_fault_with_its_place(self):
        data = bytearray((self.folder / "small.trace").read_bytes())
        data[len(data) // 2] ^= 1
        (self.folder / "small.trace").write_bytes(data)
        done = self.verify("small.trace")
        self.assertEqual(done.returncode, 1)
        self.assertIn("its SHA-256 is", done.stdout)
        self.assertRegex(done.stdout, r"FAULT  small\.trace: .*at byte \d+")

    def test_errors_are_one_line_and_usage_is_2(self):
        for args, code in (((), 2), (("list", "--json", "--tsv"), 2), (("verify", "--bogus"), 2),
                           (("verify", "--traces", self.folder, "none.trace"), 1),
                           (("list", "--traces", self.folder / "none"), 1)):
            with self.subTest(args):
                done = corpus(*args)
                self.assertEqual((done.returncode, done.stdout), (code, ""))
                self.assertRegex(done.stderr, r"^allocreplay: [^\n]+\n$")


if __name__ == "__main__":
    unittest.main()
