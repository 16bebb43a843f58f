"""Every trace of traces/ through the text form: the identical events and the same header."""

import os
import pathlib
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["ALLOCREPLAY_SOURCE"])
PROGRAM = pathlib.Path(os.environ["ALLOCREPLAY_BUILD"]) / "bin" / "allocreplay"


def same_output(one, other):
    """Whether two commands print the same, compared as it comes."""
    with subprocess.Popen(one, stdout=subprocess.PIPE) as a, \
            subprocess.Popen(other, stdout=subprocess.PIPE) as b:
        while True:
            left, right = a.stdout.read(1 << 20), b.stdout.read(1 << 20)
            if left != right:
                a.kill()
                b.kill()
                return False
            if not left:
                break
    return a.returncode == 0 and b.returncode == 0


class Corpus(unittest.TestCase):
    def test_each_trace_survives_the_text_form(self):
        traces = sorted((SOURCE / "traces").glob("*.trace"))
        self.assertTrue(traces)
        for trace in traces:
            with self.subTest(trace.name), tempfile.TemporaryDirectory() as folder:
                text, back = pathlib.Path(folder, "t.txt"), pathlib.Path(folder, "back.trace")
                subprocess.run([PROGRAM, "convert", trace, text], check=True)
                subprocess.run([PROGRAM, "convert", "-q", text, back], check=True)
                self.assertTrue(same_output([PROGRAM, "inspect", "--events", ":", trace],
                                            [PROGRAM, "inspect", "--events", ":", back]))
                self.assertTrue(same_output([PROGRAM, "convert", back, "-", "--to", "text"],
                                            ["cat", text]))


if __name__ == "__main__":
    unittest.main()
