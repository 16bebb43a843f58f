"""scripts/bench_ablation without building or measuring: what it would build is what can be set."""

import contextlib
import io
import json
import os
import pathlib
import re
import subprocess
import unittest
from importlib import util
from importlib.machinery import SourceFileLoader
from unittest import mock

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

    def test_the_tool_is_built_before_anything_is_replayed_with_it(self):
        path = str(SOURCE / "scripts/bench_ablation")
        spec = util.spec_from_loader("script", SourceFileLoader("script", path))
        ablation = util.module_from_spec(spec)
        spec.loader.exec_module(ablation)
        metrics = {key: {"value": 2.0} for key in ablation.METRICS.values()}
        results = [{"allocator": name, "metrics": metrics} for name in ("glibc", "mem-0.so")]
        done = mock.Mock(returncode=0, stdout=json.dumps({"results": results}))
        with mock.patch.object(subprocess, "run", return_value=done) as ran, \
                mock.patch.object(ablation.shutil, "copyfile"), \
                contextlib.redirect_stdout(io.StringIO()) as printed, \
                contextlib.redirect_stderr(io.StringIO()):
            ablation.main(["--only", "as it is", "x.trace"])
            first, *_, last = (list(map(str, call.args[0])) for call in ran.call_args_list)
            done.returncode = 1
            with self.assertRaisesRegex(SystemExit, "the build failed"):
                ablation.main(["--only", "as it is", "x.trace"])
        self.assertIn('build_preset "$0" release', first[2])
        self.assertTrue(last[0].endswith("build/release/bin/allocreplay"))
        self.assertIn("| as it is | 1.000 | 1.000 | 1.00 (x) |", printed.getvalue())

    def test_wrong_usage_is_told(self):
        for arguments in (["--repeat", "0"], ["--only", "nothing like it"], ["--unknown"]):
            done = run(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn("usage: scripts/bench_ablation", done.stderr)


if __name__ == "__main__":
    unittest.main()
