"""traces/recipes/manifest.py --check: what it must find in a folder of traces."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

TRACES = pathlib.Path(os.environ["ALLOCREPLAY_SOURCE"]) / "traces"
PROGRAM = pathlib.Path(os.environ["ALLOCREPLAY_BUILD"]) / "bin/allocreplay"


class Manifest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.traces = pathlib.Path(folder.name) / "traces"
        (self.traces / "recipes").mkdir(parents=True)
        for name in ("small.trace", "recipes/small.sh", "recipes/manifest.py"):
            shutil.copy(TRACES / name, self.traces / name)
        rows = json.loads((TRACES / "MANIFEST.json").read_text())
        rows["traces"] = [row for row in rows["traces"] if row["file"] == "small.trace"]
        self.row = rows["traces"][0]
        self.write(rows)

    def write(self, rows):
        (self.traces / "MANIFEST.json").write_text(json.dumps(rows, indent=2) + "\n")

    def rows(self):
        return json.loads((self.traces / "MANIFEST.json").read_text())

    def run_it(self, *args):
        return subprocess.run([sys.executable, self.traces / "recipes/manifest.py", *args],
                              capture_output=True, text=True, timeout=60, check=False,
                              env={**os.environ, "ALLOCREPLAY": PROGRAM})

    def expect_fault(self, text):
        done = self.run_it("--check")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn(text, done.stderr)

    def test_a_manifest_that_fits_passes(self):
        done = self.run_it("--check")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_a_changed_trace_is_found(self):
        data = bytearray((self.traces / "small.trace").read_bytes())
        data[-1] ^= 1
        (self.traces / "small.trace").write_bytes(data)
        self.expect_fault("does not fit the traces")

    def test_a_changed_row_is_found(self):
        rows = self.rows()
        rows["traces"][0]["events"] += 1
        self.write(rows)
        self.expect_fault("does not fit the traces")

    def test_a_trace_without_a_row_is_found(self):
        shutil.copy(self.traces / "small.trace", self.traces / "other.trace")
        self.expect_fault("other.trace: has no row")

    def test_a_row_without_a_trace_is_found(self):
        (self.traces / "small.trace").unlink()
        self.expect_fault("small.trace: has a row in MANIFEST.json, but is not there")

    def test_an_empty_licence_is_found(self):
        rows = self.rows()
        rows["traces"][0]["licence"] = ""
        self.write(rows)
        self.expect_fault('small.trace: "licence" is empty')

    def test_a_missing_recipe_is_found(self):
        (self.traces / "recipes/small.sh").unlink()
        self.expect_fault("traces/recipes/small.sh: no such program")

    def test_a_recipe_without_a_trace_is_found(self):
        shutil.copy(self.traces / "recipes/small.sh", self.traces / "recipes/other.sh")
        self.expect_fault("traces/recipes/other.sh: records no trace")

    def test_a_path_of_one_machine_is_found(self):
        data = (self.traces / "small.trace").read_bytes()
        (self.traces / "small.trace").write_bytes(data.replace(b'"./small"', b'"/a/mall"', 1))
        self.expect_fault("small.trace: its command names a path of one machine: /a/mall")

    def test_writing_fills_in_what_follows_from_the_files(self):
        rows = self.rows()
        for key in ("sha256", "events", "command", "frees", "peak_live_bytes"):
            del rows["traces"][0][key]
        self.write(rows)
        self.assertEqual(self.run_it().returncode, 0)
        self.assertEqual(self.run_it("--check").returncode, 0)
        self.assertEqual(self.rows()["traces"][0], self.row)

    def test_the_manifest_is_never_half_written(self):
        rows = self.rows()
        rows["traces"][0]["bytes"] += 1
        self.write(rows)
        before = (self.traces / "MANIFEST.json").read_text()
        (self.traces / "before").hardlink_to(self.traces / "MANIFEST.json")
        self.assertEqual(self.run_it().returncode, 0)
        self.assertEqual((self.traces / "before").read_text(), before)
        self.assertEqual(self.rows()["traces"][0], self.row)
        self.assertEqual(list(self.traces.glob("*.tmp")), [])

    def test_a_trace_that_became_another_has_its_figures_taken_anew(self):
        rows = self.rows()
        rows["traces"][0].update(sha256="0" * 64, cross_thread_frees=1)
        self.write(rows)
        self.assertEqual(self.run_it().returncode, 0)
        self.assertEqual(self.rows()["traces"][0], self.row)

    def test_a_figure_that_nobody_filled_in_is_found(self):
        rows = self.rows()
        del rows["traces"][0]["frees"]
        self.write(rows)
        self.expect_fault('small.trace: "frees" is not filled in')


if __name__ == "__main__":
    unittest.main()
