"""The C++ reader and the one in Python, written from the specification, see the same events."""

import itertools
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

import read_trace

SOURCE = pathlib.Path(os.environ["ALLOCREPLAY_SOURCE"])
BIN = pathlib.Path(os.environ["ALLOCREPLAY_BUILD"]) / "bin"
MAX_BYTES = 500_000  # of larger traces: read_traces_test.py


class Readers(unittest.TestCase):
    maxDiff = 2000

    def compare(self, path):
        trace = read_trace.Trace(path.read_bytes())
        with subprocess.Popen([BIN / "allocreplay", "inspect", path, "--events", ":"],
                              stdout=subprocess.PIPE, text=True) as program:
            for ours, theirs in itertools.zip_longest(
                    read_trace.lines(trace), (line.rstrip("\n") for line in program.stdout)):
                if ours != theirs:
                    self.fail(f"{path}: {ours!r} is not {theirs!r}")
        self.assertEqual(program.returncode, 0)
        return trace

    def compare_all(self, is_wanted):
        """The repository's traces of such sizes."""
        wanted = [path for path in sorted((SOURCE / "traces").glob("*.trace"))
                  if is_wanted(path.stat().st_size)]
        self.assertNotEqual(wanted, [])
        for path in wanted:
            with self.subTest(path.name):
                self.compare(path)


class ReadersAgree(Readers):
    def test_golden(self):
        self.compare(SOURCE / "tests/golden/v1.trace")

    def test_large(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "large.trace"
            subprocess.run([BIN / "make_trace", "large", path], check=True)
            trace = self.compare(path)
            events = list(trace)
        self.assertGreater(trace.block_count, 3)
        self.assertEqual({event[2] for event in events}, {0, 1, 2, 3, 4})
        self.assertEqual({event[5] for event in events}, set(range(64)))
        self.assertEqual(trace.thread_count, 300)
        self.assertGreater(max(event[4] for event in events), 1 << 63)
        gaps = [b[0] - a[0] for a, b in itertools.pairwise(events)]
        self.assertGreater(max(gaps), 1 << 42)
        self.assertEqual(trace.provenance["note"], "caf\u00e9, for golden tests")

    def test_streamed(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "streamed.trace"
            with path.open("wb") as file:
                subprocess.run([BIN / "make_trace", "golden", "-"], stdout=file, check=True)
            trace = self.compare(path)
            with path.open("rb") as file:
                text = subprocess.run([BIN / "allocreplay", "inspect", "-", "--events", ":"],
                                      stdin=file, stdout=subprocess.PIPE, text=True, check=True)
        self.assertTrue(trace.streamed)
        self.assertEqual(text.stdout, (SOURCE / "tests/golden/v1.events").read_text())
        self.assertEqual(trace.lost_events, 3)
        self.assertEqual(trace.provenance["note"], "caf\u00e9, for golden tests")

    def test_recorded_with_sites_and_residency(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "sites.trace"
            subprocess.run([BIN / "allocreplay", "record", "-q", "--sites", "--residency", "-o",
                            path, "--", "ls", "-l", "/usr"], check=True,
                           stdout=subprocess.DEVNULL)
            trace = self.compare(path)
        self.assertTrue(trace.has_sites and trace.has_touched)
        functions = {frame[0] for stack in trace.stacks for frame in stack}
        self.assertIn("__libc_start_main", " ".join(filter(None, functions)))
        self.assertEqual(max(event[6] for event in trace), len(trace.stacks))

    def test_small_traces_of_the_repository(self):
        self.compare_all(lambda size: size <= MAX_BYTES)


class TheSecondReaderIsStrict(unittest.TestCase):
    """Otherwise its agreement would mean little."""

    def test_damage_is_refused(self):
        whole = (SOURCE / "tests/golden/v1.trace").read_bytes()
        self.refuses_damage(whole, itertools.chain(range(0, 200), range(4096, len(whole))))

    def test_damage_of_a_stream_is_refused(self):
        whole = (SOURCE / "tests/golden/v1_streamed.trace").read_bytes()
        trailer = read_trace.Trace(whole).index_offset
        self.refuses_damage(whole, range(trailer, len(whole)))

    def refuses_damage(self, whole, places):
        reading = (IndexError, ValueError, struct.error, zlib.error, read_trace.TraceError,
                   read_trace.zstandard.ZstdError)
        good = list(read_trace.Trace(whole))
        silent = 0
        for at in places:
            data = bytearray(whole)
            data[at] ^= 1
            try:
                events = list(read_trace.Trace(bytes(data)))
            except reading:
                continue
            self.assertEqual(events, good)
            silent += 1
        self.assertLess(silent, 50)  # bits of zstd frames that do not matter


if __name__ == "__main__":
    sys.exit(unittest.main())
