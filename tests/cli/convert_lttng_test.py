"""What LTTng's libc wrapper records today, imported: a session daemon of its own, two consumers."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["ALLOCREPLAY_SOURCE"])
BIN = pathlib.Path(os.environ["ALLOCREPLAY_BUILD"]) / "bin"
SAMPLE = SOURCE / "tests" / "golden" / "importers" / "sample.c"
WRAPPER = "liblttng-ust-libc-wrapper.so.1"


class Lttng(unittest.TestCase):
    def setUp(self):
        for tool in ("cc", "lttng", "lttng-sessiond", "babeltrace"):
            if not shutil.which(tool):
                self.skipTest(f"{tool} is not installed")
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.environment = {**os.environ, "LTTNG_HOME": str(self.folder),
                            "LTTNG_UST_REGISTER_TIMEOUT": "30000"}
        subprocess.run(["cc", "-O0", "-o", self.folder / "sample", SAMPLE, "-pthread"], check=True)
        self.start_daemon()

    def start_daemon(self):
        """Of its own, unless one runs, which then serves this session too."""
        pid_file = self.folder / "sessiond.pid"
        if self.run_tool("lttng", "list").returncode == 0:
            return
        started = self.run_tool("lttng-sessiond", "--daemonize", "--no-kernel",
                                f"--pidfile={pid_file}")
        if started.returncode != 0:
            self.skipTest(f"no session daemon starts here: {started.stderr.decode().strip()}")
        self.addCleanup(os.kill, int(pid_file.read_text()), signal.SIGTERM)

    def run_tool(self, *command, **environment):
        return subprocess.run(command, cwd=self.folder, capture_output=True, timeout=120,
                              check=False, env={**self.environment, **environment})

    def tool(self, *command, **environment):
        done = self.run_tool(*command, **environment)
        self.assertEqual(done.returncode, 0, (command, done.stdout, done.stderr))
        return done.stdout

    def record(self):
        session = f"allocreplay-test-{os.getpid()}"
        self.tool("lttng", "create", session, f"--output={self.folder / 'out'}")
        try:
            self.tool("lttng", "enable-event", "-s", session, "-u", "lttng_ust_libc:*")
            self.tool("lttng", "add-context", "-s", session, "-u", "-t", "vpid", "-t", "vtid")
            self.tool("lttng", "start", session)
            self.tool("./sample", LD_PRELOAD=WRAPPER)
            self.tool("lttng", "stop", session)
        finally:
            self.run_tool("lttng", "destroy", session)

    def imported(self, text):
        done = subprocess.run([BIN / "allocreplay", "convert", "-q", "-", "-", "--to", "text"],
                              input=text, capture_output=True, timeout=120, check=True)
        lines = done.stdout.decode().splitlines()
        rows = [line.split("\t") for line in lines if line[0].isdigit()]
        provenance = next(line for line in lines if line.startswith("# provenance\t"))
        return rows, json.loads(provenance.partition("\t")[2])["import"]

    def test_the_wrapper(self):
        self.record()
        rows, report = self.imported(self.tool("babeltrace", "out"))
        self.assertEqual(report["format"], "lttng")
        # The wrapper sees the free of what aligned_alloc gave, not its birth.
        self.assertEqual(report["repaired"], {"frees_of_unknown_blocks": 1})
        sizes = [int(size) for _, _, op, _, size, _ in rows if op != "free"]
        for size in (24, 120, 48, 20000, 64, 0, 1, 2, 3, 6, 2187, 4374):
            self.assertIn(size, sizes)
        for size in (77, *range(100, 110)):
            self.assertGreaterEqual(sizes.count(size), 2, size)
        self.assertEqual([(int(row[4]), int(row[5])) for row in rows if row[2] == "aligned"],
                         [(500, 8), (33, 5)])
        self.assertEqual(len({row[1] for row in rows}), 3)
        self.assertGreater(int(rows[-1][0]), int(rows[0][0]))
        other_form = self.tool("babeltrace", "--clock-seconds", "-n", "all", "out")
        self.assertEqual(self.imported(other_form)[0], rows)


if __name__ == "__main__":
    unittest.main()
