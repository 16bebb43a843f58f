"""The fast paths of malloc and free in libmem.so, instruction by instruction: as many as they were
when they were last looked at, without a call and without a locked operation."""

import os
import pathlib
import platform
import re
import subprocess
import unittest

import source_tree

LIBRARY = pathlib.Path("lib/libmem.so")
# From the entry to the first ret, the branches not taken.
MALLOC_INSTRUCTIONS = 13
FREE_INSTRUCTIONS = 21
MOST_TOGETHER = 34

_INSTRUCTION = re.compile(r"^\s*[0-9a-f]+:\s+(\S.*?)\s*$")


def fast_path(listing: str, symbol: str) -> list[str]:
    """The instructions of a symbol from its entry up to its first ret, as objdump lists them."""
    found, inside = [], False
    for line in listing.split("\n"):
        if line.endswith(">:"):
            inside = re.search(rf"<{re.escape(symbol)}(@@\S+)?>:$", line) is not None
            continue
        match = _INSTRUCTION.match(line)
        if not inside or match is None:
            continue
        instruction = match.group(1)
        if re.match(r"(cs |data16 )*nop|xchg\s+%ax,%ax", instruction):
            continue
        found.append(instruction)
        if re.match(r"(repz |rep |bnd )*ret", instruction):
            return found
    return []


def faults(path: list[str]) -> list[str]:
    return [instruction for instruction in path
            if re.match(r"(bnd )?call|lock\b|xchg\b|mfence|syscall", instruction)]


def is_measured_build(build) -> bool:
    """Whether it is a release build by gcc, which is what the counts are of."""
    cache = pathlib.Path(build, "CMakeCache.txt").read_text(encoding="utf-8")
    compiler = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.*)$", cache, re.MULTILINE)
    return ("CMAKE_BUILD_TYPE:STRING=Release" in cache and compiler is not None
            and "clang" not in compiler[1])


class FastPath(unittest.TestCase):
    def listing(self) -> str:
        """Of a release build, if this is one."""
        if platform.machine() != "x86_64":
            self.skipTest("the counts are those of x86-64")
        if os.environ.get("ALLOCREPLAY_SANITIZE"):
            self.skipTest("a sanitizer adds instructions")
        if not is_measured_build(source_tree.BUILD):
            self.skipTest("the counts are those of a release build by gcc")
        return subprocess.run(["objdump", "-d", "--no-show-raw-insn", source_tree.BUILD / LIBRARY],
                              check=True, text=True, capture_output=True).stdout

    def test_malloc_and_free_are_as_short_as_they_were(self):
        listing = self.listing()
        paths = {name: fast_path(listing, name) for name in ("malloc", "free")}
        for name, path in paths.items():
            self.assertTrue(path, f"{name} has no ret")
            self.assertEqual(faults(path), [], f"{name}:\n" + "\n".join(path))
        shown = "\n".join(f"{name}\n  " + "\n  ".join(path) for name, path in paths.items())
        self.assertLessEqual(sum(map(len, paths.values())), MOST_TOGETHER, shown)
        self.assertEqual(len(paths["malloc"]), MALLOC_INSTRUCTIONS, shown)
        self.assertEqual(len(paths["free"]), FREE_INSTRUCTIONS, shown)

    def test_a_path_ends_at_its_first_ret(self):
        listing = ("0000000000001000 <malloc>:\n    1000:\tmov    %rdi,%rax\n    1003:\tnop\n"
                   "    1004:\tret\n    1005:\tpush   %rbx\n    1006:\tret\n\n"
                   "0000000000001010 <free@@V1>:\n    1010:\tlock cmpxchg %rcx,(%rdx)\n"
                   "    1015:\tcall   1000 <malloc>\n    1016:\trepz ret\n")
        self.assertEqual(fast_path(listing, "malloc"), ["mov    %rdi,%rax", "ret"])
        self.assertEqual(len(fast_path(listing, "free")), 3)
        self.assertEqual(len(faults(fast_path(listing, "free"))), 2)
        self.assertEqual(faults(fast_path(listing, "malloc")), [])
        self.assertEqual(fast_path(listing, "calloc"), [])


if __name__ == "__main__":
    unittest.main()
