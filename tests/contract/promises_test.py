"""The table of promises in results/README.md: each row's command and tests are there."""

import re
import unittest

import source_tree

HEADING = "## Each promise, its command and its test"
GTEST = re.compile(r"\bTEST(?:_[FP])?\(\s*(\w+),\s*(\w+)\s*\)")


def rows(text: str) -> list[list[str]]:
    section = text.split(HEADING + "\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines[1:]]


def known_tests(root) -> set[str]:
    """As rows name them: Suite.Name of gtest; `cli.x: Class` and `cli.x: test_name` of Python."""
    known = set()
    for path in root.glob("tests/**/*_test.cc"):
        known |= {f"{suite}.{name}" for suite, name in GTEST.findall(path.read_text())}
    for path in root.glob("tests/cli/*_test.py"):
        subject = "cli." + path.name.removesuffix("_test.py")
        names = re.findall(r"^(?:class|    def) (\w+)\(", path.read_text(), re.MULTILINE)
        known |= {f"{subject}: {name}" for name in names}
    return known


def faults(root) -> list[str]:
    found = []
    known = known_tests(root)
    for row in rows((root / "results/README.md").read_text()):
        if len(row) != 3:
            found.append(f"{row[0]}: {len(row)} columns")
            continue
        promise, command, tests = row
        found += [f"{promise}: {test} is no test"
                  for test in re.findall("`([^`]+)`", tests) if test not in known]
        if "`" not in tests:
            found.append(f"{promise}: names no test")
        for word in re.findall(r"(?:scripts|traces)/[\w.]+", command):
            if not (root / word).exists():
                found.append(f"{promise}: {word} is not there")
    return found


class Promises(unittest.TestCase):
    def test_the_tree_keeps_them(self):
        self.assertGreater(len(rows((source_tree.ROOT / "results/README.md").read_text())), 20)
        source_tree.assert_none(self, faults(source_tree.ROOT))

    def check(self, row: str, expected: list[str]):
        table = f"{HEADING}\n\n| promise | command | test |\n|---|---|---|\n{row}\n\n## Next\n| x |\n"
        self.assertEqual(source_tree.found_in(faults, {
            "results/README.md": table, "scripts/made": "",
            "tests/unit/a_test.cc": "TEST_F(ATest, Works) {",
            "tests/cli/b_test.py": "class Some(x):\n    def test_it(self):\n"}), expected)

    def test_what_is_there_may_be_named(self):
        self.check("| it works | `scripts/made -x` | `ATest.Works`, `cli.b: test_it`, `cli.b: Some` |",
                   [])

    def test_what_is_not_there_is_found(self):
        self.check("| it works | `scripts/none` | `ATest.Fails` |",
                   ["it works: ATest.Fails is no test", "it works: scripts/none is not there"])
        self.check("| it works | `scripts/made` | none |", ["it works: names no test"])
        self.check("| it works | `scripts/made` |", ["it works: 2 columns"])


if __name__ == "__main__":
    unittest.main()
