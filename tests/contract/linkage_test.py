"""libmem.so needs no libstdc++: it has to load into any program."""

import os
import re
import subprocess
import unittest

import source_tree


def needed(file) -> list[str]:
    """The libraries that an ELF file names as needed."""
    text = subprocess.run(["readelf", "--dynamic", "--wide", file], check=True, text=True,
                          capture_output=True).stdout
    return re.findall(r"\(NEEDED\).*\[(.+)\]", text)


def needs_libstdcxx(file) -> bool:
    return any(name.startswith("libstdc++") for name in needed(file))


class Linkage(unittest.TestCase):
    @unittest.skipIf(os.environ.get("ALLOCREPLAY_SANITIZE"), "a sanitizer's runtime needs libstdc++")
    def test_libmem_does_not_need_libstdcxx(self):
        library = source_tree.BUILD / "lib/libmem.so"
        self.assertTrue(library.exists(), f"{library} is not built")
        self.assertIn("libc.so.6", needed(library))
        self.assertFalse(needs_libstdcxx(library))

    def test_the_check_sees_libstdcxx_where_it_is(self):
        self.assertTrue(needs_libstdcxx(source_tree.BUILD / "bin/allocreplay"))


if __name__ == "__main__":
    unittest.main()
