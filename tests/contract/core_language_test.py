"""What core/ may use of C++: no exceptions, no containers, no streams, nothing of libstdc++."""

import re
import unittest

import source_tree

# All that core/ may take from the C++ library: headers whose use needs no code of libstdc++. C and
# kernel headers (*.h) are free.
CPP_HEADERS = {"algorithm", "array", "atomic", "bit", "cerrno", "climits", "compare", "concepts",
               "cstdarg", "cstddef", "cstdint", "cstdlib", "cstring", "iterator", "limits", "new",
               "numeric", "span", "tuple", "type_traits", "utility"}
KEYWORDS = re.compile(r"\b(throw|try|catch|dynamic_cast|typeid)\b")


def violations(root) -> list[str]:
    found = []
    for file in source_tree.sources(root, "core"):
        for quote, header in source_tree.includes(root, file):
            own = header.startswith("core/")
            if not own and (header not in CPP_HEADERS and
                            (not header.endswith(".h") or header.startswith("fmt/"))):
                found.append(f"{file}: <{header}> is not for core/")
        for number, line in enumerate(source_tree.code_lines(root, file), 1):
            for word in KEYWORDS.findall(line):
                found.append(f"{file}:{number}: {word}")
    return found


class CoreLanguage(unittest.TestCase):
    def found(self, text: str) -> list[str]:
        return source_tree.found_in(violations, {"core/mem/a.cc": text})

    def test_core_keeps_to_it(self):
        self.assertTrue(source_tree.sources(source_tree.ROOT, "core"))
        source_tree.assert_none(self, violations(source_tree.ROOT))

    def test_exceptions_are_found(self):
        self.assertEqual(self.found("void f() {\n  try { g(); } catch (...) { throw; }\n}\n"),
                         [f"core/mem/a.cc:2: {word}" for word in ("try", "catch", "throw")])

    def test_containers_streams_and_fmt_are_found(self):
        for header in ("vector", "string", "map", "unordered_map", "memory", "functional",
                       "iostream", "sstream", "mutex", "fmt/format.h", "fmt/core.h"):
            self.assertEqual(self.found(f"#include <{header}>\n"),
                             [f"core/mem/a.cc: <{header}> is not for core/"])

    def test_comments_and_literals_are_free(self):
        self.assertEqual(self.found('// throw\n/* try\ncatch */\nauto s = "throw";\n'), [])
        self.assertEqual(self.found("#include <cstddef>\n#include <sys/mman.h>\n"
                                    '#include "core/base/bits.h"\nint try_lock = 0;\n'), [])


if __name__ == "__main__":
    unittest.main()
