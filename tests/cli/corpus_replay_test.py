"""Every trace of the corpus is what the manifest says and replays against mem and glibc. Long."""

import json
import os
import pathlib
import subprocess
import unittest

SOURCE = pathlib.Path(os.environ["ALLOCREPLAY_SOURCE"])
PROGRAM = pathlib.Path(os.environ["ALLOCREPLAY_BUILD"]) / "bin/allocreplay"
TRACES = SOURCE / "traces"
ENTRIES = json.loads((TRACES / "MANIFEST.json").read_text())["traces"]


def run(*args):
    return subprocess.run([PROGRAM, *map(str, args)], capture_output=True, text=True, timeout=900,
                          check=False)


class Corpus(unittest.TestCase):
    def test_it_verifies(self):
        done = run("corpus", "verify", "--traces", TRACES)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        self.assertEqual(len(done.stdout.splitlines()), len(ENTRIES))

    def test_every_trace_replays_against_mem_and_glibc(self):
        for entry in ENTRIES:
            with self.subTest(entry["file"]):
                done = run("--trace", TRACES / entry["file"], "--allocator", "mem", "--repeat", "1",
                           "--quiet")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                document = json.loads(done.stdout)
                self.assertEqual(document["trace"]["events"], entry["events"])
                self.assertEqual(document["trace"]["sha256"], entry["sha256"])
                self.assertLessEqual({"mem", "glibc"},
                                     {result["allocator"] for result in document["results"]})


if __name__ == "__main__":
    unittest.main()
