"""allocreplay record at a terminal: Ctrl-C ends the program, and the trace is kept."""

import json
import os
import pathlib
import pty
import subprocess
import tempfile
import unittest

BIN = pathlib.Path(os.environ["ALLOCREPLAY_BUILD"]) / "bin"
SANITIZED = os.environ.get("ALLOCREPLAY_SANITIZE", "")


def read_until(terminal, word=b""):
    """What the terminal shows up to the word, or to its end."""
    shown = b""
    while not word or word not in shown:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # the other side is closed
            part = b""
        if not part:
            break
        shown += part
    return shown


@unittest.skipIf(SANITIZED, "a sanitizer's malloc and a preloaded one exclude each other")
class Terminal(unittest.TestCase):
    def test_ctrl_c_ends_the_program_and_keeps_the_trace(self):
        with tempfile.TemporaryDirectory() as folder:
            trace = pathlib.Path(folder, "out.trace")
            child, terminal = pty.fork()
            if child == 0:
                os.execv(BIN / "allocreplay", [
                    "allocreplay", "record", "-o", trace, "--", "sh", "-c",
                    "echo begun; while :; do x=$(echo a b); done"])
            self.assertIn(b"begun", read_until(terminal, b"begun"))
            os.write(terminal, b"\x03")
            shown = read_until(terminal)
            _, status = os.waitpid(child, 0)
            os.close(terminal)
            self.assertEqual(os.waitstatus_to_exitcode(status), 0, shown)
            self.assertIn(b"killed by signal 2", shown)
            self.assertEqual(os.listdir(folder), ["out.trace"])
            done = subprocess.run([BIN / "allocreplay", "inspect", trace, "--json"],
                                  capture_output=True, check=True)
            document = json.loads(done.stdout)
            self.assertGreater(document["events"], 0)
            self.assertEqual(document["provenance"]["ended"]["signal"], 2)
            subprocess.run([BIN / "allocreplay", "validate", "-q", trace], check=True)


if __name__ == "__main__":
    unittest.main()
