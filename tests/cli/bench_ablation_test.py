"""scripts/bench_ablation without building or measuring: what it would build is what can be set."""

import os
import pathlib
import re
import subprocess
import unittest

SOURCE = pathlib.Path(os.environ["ALLOCREPLAY_SOURCE"])


def run(*arguments):
    return subprocess.run([SOURCE / "scripts/bench_ablation", *arguments], capture_output=True,
                          text=True, check=False)


class BenchAblation(unittest.TestCase):
    def test_every_variant_sets_constants_that_exist(self):
        done = run("--list")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        known = set(re.findall(r"#ifndef MEM_TUNE_(\w+)",
                               (SOURCE / "core/mem/tuning.h").read_text()))
        variants = [line.split("\t") for line in done.stdout.splitlines()]
        self.assertEqual(variants[0], ["as it is", ""])
        for name, settings in variants[1:]:
            self.assertRegex(settings, r"^\w+=\d+( \w+=\d+)*$", name)
            self.assertLessEqual({each.split("=")[0] for each in settings.split()}, known, name)

    def test_wrong_usage_is_told(self):
        for arguments in (["--repeat", "0"], ["--only", "nothing like it"], ["--unknown"]):
            done = run(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn("usage: scripts/bench_ablation", done.stderr)


if __name__ == "__main__":
    unittest.main()
