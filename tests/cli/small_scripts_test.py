"""Scripts of one file, beside programs that say what they are told: nothing is installed or run."""

import os
import pathlib
import subprocess
import tempfile
import unittest
from importlib import util
from importlib.machinery import SourceFileLoader

SCRIPTS = pathlib.Path(os.environ["ALLOCREPLAY_SOURCE"]) / "scripts"


class WithPrograms(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="allocreplay-scripts-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def program(self, name, text):
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    def run_it(self, script, *words, **variables):
        """(exit status, stdout, stderr), with the folder first in PATH"""
        env = os.environ | {"PATH": f"{self.folder}:{os.environ['PATH']}", **variables}
        done = subprocess.run([SCRIPTS / script, *words], env=env, capture_output=True, text=True,
                              timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr


class Bootstrap(WithPrograms):
    def setUp(self):
        super().setUp()
        for name in ("apt-get", "sudo"):
            self.program(name, "exit 1")

    def dpkg(self, state):
        self.program("dpkg-query", f'shift 3; for name; do echo "$name {state} "; done')

    def test_what_is_installed_and_held_is_not_missing(self):
        for state in ("ii", "hi"):
            self.dpkg(state)
            self.assertEqual(self.run_it("bootstrap"), (0, "", ""), state)

    def test_what_was_removed_is_missing(self):
        self.dpkg("rc")
        status, _, said = self.run_it("bootstrap")
        self.assertEqual(status, 1)
        self.assertRegex(said, r"^bootstrap: installing .*\bcmake\b")

    def test_each_purpose_holds_what_its_help_says(self):
        def packages(purpose):
            return set(self.run_it("bootstrap", "--for", purpose, "--list")[1].split())

        purposes = []
        for line in self.run_it("bootstrap", "--help")[1].splitlines():
            words = line.replace(",", "").split()
            if words[:1] != ["--for"] or words[1] == "replay":
                continue
            purposes.append(words[1])
            named = {word for word in words[2:] if word in ("replay", "test", "tidy", "traces")}
            self.assertIn("replay", named, line)
            for purpose in named:
                self.assertLessEqual(packages(purpose), packages(words[1]), line)
            if "test" not in named and words[1] != "test":
                self.assertFalse(packages("test") <= packages(words[1]), line)
        self.assertEqual(purposes, ["test", "tidy", "traces", "bench"])


class FindPython(WithPrograms):
    def test_the_one_that_is_named_is_found_in_the_path(self):
        path = self.program("python-of-mine", "exit 0")
        for name in (path.name, str(path)):
            self.assertEqual(self.run_it("find_python", ALLOCREPLAY_PYTHON=name),
                             (0, f"{path}\n", ""))

    def test_one_that_is_named_and_will_not_do_is_an_error(self):
        self.program("python-without", "exit 1")
        self.program("python3", "exit 0")
        for name in ("python-without", "no-such-python"):
            status, found, said = self.run_it("find_python", ALLOCREPLAY_PYTHON=name)
            self.assertEqual((status, found), (1, ""), name)
            self.assertIn(f"ALLOCREPLAY_PYTHON={name}", said)

    def test_without_one_it_is_that_of_the_path(self):
        path = self.program("python3", "exit 0")
        self.assertEqual(self.run_it("find_python", ALLOCREPLAY_PYTHON=""), (0, f"{path}\n", ""))


class FloorTable(WithPrograms):
    def test_figures_above_two_gigabytes_are_shown_as_they_are(self):
        self.program("allocreplay", r"printf 'trace\tfloor\tbytes\tpages\tratio\n'"
                     "\n" r"printf 'x\tlive\t5000000000\t1220704\t1\nx\tsizes\t1\t1\t1.25\n'")
        status, text, _ = self.run_it("floor_table", "x", ALLOCREPLAY_BIN=str(self.folder))
        self.assertEqual(status, 0)
        self.assertEqual(text.splitlines()[-1], "| `x` | 5000000000 | 1220704 | 1.250 |")


class LikenessTable(unittest.TestCase):
    def test_a_ratio_to_nothing_is_no_figure(self):
        path = str(SCRIPTS / "likeness_table")
        spec = util.spec_from_loader("script", SourceFileLoader("script", path))
        script = util.module_from_spec(spec)
        spec.loader.exec_module(script)
        report = {"distances": [{"name": name, "distance": 0.01, "limit": 0.1}
                                for name in script.COLUMNS],
                  "replayed": [{"metric": name, "ratio": ratio}
                               for name, ratio in zip(script.REPLAYED, (None, 1.5), strict=True)]}
        self.assertTrue(script.row(pathlib.Path("x.trace"), report).endswith("| – | 1.50 | - |"))


if __name__ == "__main__":
    unittest.main()
