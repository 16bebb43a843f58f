"""What libmem.so does with MEM_ variables of its environment."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ["ALLOCREPLAY_BUILD"])


def run(command, **settings):
    environment = {"PATH": os.environ["PATH"], "LD_PRELOAD": str(BUILD / "lib/libmem.so"), **settings}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


class Settings(unittest.TestCase):
    def test_statistics_are_written_when_the_program_ends(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "stats.json")
            done = run(["sh", "-c", "x=$(seq 2000); exit 3"], MEM_STATS=str(path))
            self.assertEqual((done.returncode, done.stderr), (3, ""))
            stats = json.loads(path.read_text())
            self.assertEqual(os.listdir(folder), ["stats.json"])
        self.assertEqual((stats["schema"], stats["schema_version"]), ("mem-stats", 1))
        parts = [stats["large"], *stats["fitted"], *stats["slabs"]]
        for total, part in (("live_objects", "live_objects"),
                            ("total_allocated_bytes", "live_bytes")):
            self.assertEqual(stats[total], sum(row[part] for row in parts))
        self.assertGreater(stats["live_objects"], 0)
        self.assertEqual(stats["total_pages"],
                         stats["used_pages"] + stats["dirty_pages"] + stats["metadata_pages"]
                         - sum(row["discarded_pages"] for row in stats["fitted"]))
        self.assertLessEqual(stats["total_allocated_bytes"],
                             stats["used_pages"] * stats["page_size_bytes"])

    def test_a_file_that_cannot_be_written_is_told_and_nothing_else_changes(self):
        done = run(["true"], MEM_STATS="/nowhere/stats.json")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stderr, r"^mem: MEM_STATS: cannot write /nowhere/stats\.json")

    def test_an_unknown_setting_is_named(self):
        done = run(["true"], MEM_STAT="x", MEMORY="y")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stderr, "mem: unknown setting MEM_STAT; known is MEM_STATS\n")


if __name__ == "__main__":
    unittest.main()
