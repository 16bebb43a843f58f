"""The top level of the tree is fixed: what stands there, and that nothing else is tracked."""

import subprocess
import unittest

import source_tree

TOP_LEVEL = {
    ".ci", ".clang-format", ".clang-tidy", ".github", ".gitignore", "BENCHMARK.md",
    "CMakeLists.txt", "CMakePresets.json", "LICENSE", "README.md", "core", "replay", "results",
    "scripts", "tests", "traces"}
TESTS = {"CMakeLists.txt", "bench", "cli", "contract", "dropin", "fuzz", "golden", "misuse",
         "property", "stress", "support", "unit"}


def tracked(root) -> list[str]:
    return subprocess.run(["git", "-C", root, "ls-files", "-z", "--cached"], check=True, text=True,
                          capture_output=True).stdout.split("\0")[:-1]


def violations(root) -> list[str]:
    files = tracked(root)
    found = []
    for folder, expected in (("", TOP_LEVEL), ("tests/", TESTS)):
        present = {file[len(folder):].split("/")[0] for file in files if file.startswith(folder)}
        found += [f"{folder}{name} does not belong there" for name in sorted(present - expected)]
        found += [f"{folder}{name} is missing" for name in sorted(expected - present)]
    return found


class Layout(unittest.TestCase):
    def found(self, extra: list[str], without: str) -> list[str]:
        files = [name for name in TOP_LEVEL - {"tests"}] + [f"tests/{name}" for name in TESTS]
        with source_tree.made_tree({name: "" for name in files + extra if name != without}) as root:
            subprocess.run(["git", "init", "-q", root], check=True)
            subprocess.run(["git", "-C", root, "add", "--force", "."], check=True)
            return violations(root)

    def test_the_tree_keeps_to_it(self):
        source_tree.assert_none(self, violations(source_tree.ROOT))

    def test_a_stranger_and_a_gap_are_found(self):
        self.assertEqual(self.found([], ""), [])
        self.assertEqual(self.found(["notes.txt", "tests/tmp/a.cc"], "LICENSE"),
                         ["notes.txt does not belong there", "LICENSE is missing",
                          "tests/tmp does not belong there"])


if __name__ == "__main__":
    unittest.main()
