"""What cmake --install gives is enough: for a C program that uses mem, found by CMake or by
pkg-config, and for the tool itself, from wherever the installed tree is moved to."""

import json
import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["ALLOCREPLAY_SOURCE"])
BUILD = pathlib.Path(os.environ["ALLOCREPLAY_BUILD"])
EXAMPLE = SOURCE / "tests/dropin/c_example.c"
TRACE = SOURCE / "traces/small.trace"


def run(*command, **environment):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=300,
                          check=False, env={**os.environ, **environment})
    assert done.returncode == 0, f"{command}:\n{done.stdout}{done.stderr}"
    return done.stdout


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="allocreplay-install-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name).resolve()
        cls.prefix = cls.folder / "moved"
        run("cmake", "--install", BUILD, "--prefix", cls.folder / "first")
        shutil.move(cls.folder / "first", cls.prefix)

    def test_find_package(self):
        build = self.folder / "consumer"
        run("cmake", "-S", SOURCE / "tests/dropin/consumer", "-B", build, "-G", "Ninja",
            f"-DCMAKE_PREFIX_PATH={self.prefix}")
        run("cmake", "--build", build)
        run(build / "with_shared")
        run(build / "with_static")
        self.assertIn(str(self.prefix / "lib/libmem.so"), run("ldd", build / "with_shared"))
        self.assertNotIn("libmem.so", run("ldd", build / "with_static"))

    def test_pkg_config(self):
        flags = shlex.split(run("pkg-config", "--cflags", "--libs", "mem",
                                PKG_CONFIG_PATH=str(self.prefix / "lib/pkgconfig")))
        program = self.folder / "by_pkg_config"
        run("cc", "-std=c11", EXAMPLE, "-o", program, *flags)
        run(program, LD_LIBRARY_PATH=str(self.prefix / "lib"))

    def test_the_tool_finds_its_parts_beside_itself(self):
        tool = self.prefix / "bin/allocreplay"
        result = json.loads(run(tool, "--trace", TRACE, "--allocator", "mem", "--repeat", 1,
                                "--quiet"))
        self.assertEqual([entry["library"] for entry in result["results"]],
                         [None, str(self.prefix / "lib/libmem.so")])
        trace = self.folder / "true.trace"
        run(tool, "record", "-o", trace, "--", "true")
        self.assertTrue(trace.exists())


if __name__ == "__main__":
    unittest.main()
