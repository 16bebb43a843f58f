"""allocreplay convert, as a user runs it, and on what Debian's own tools write today."""

import gzip
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import numpy

SOURCE = pathlib.Path(os.environ["ALLOCREPLAY_SOURCE"])
BIN = pathlib.Path(os.environ["ALLOCREPLAY_BUILD"]) / "bin"
TRACE = SOURCE / "traces" / "small.trace"
GOLDEN = SOURCE / "tests" / "golden" / "importers"
OPS = ["malloc", "calloc", "aligned", "realloc", "free"]


def allocreplay(*args, **kwargs):
    return subprocess.run([BIN / "allocreplay", *map(str, args)], capture_output=True,
                          timeout=300, check=False, **kwargs)


def convert(*args, **kwargs):
    done = allocreplay("convert", *args, **kwargs)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def rows_of(text):
    """The events of a text form, as (time_ns, thread, op, object, size, align_log2)."""
    lines = [line for line in text.decode().splitlines() if line and not line.startswith("#")]
    return [tuple(word if word in OPS else int(word) for word in line.split("\t"))
            for line in lines[1:]]


def report_of(text):
    """What an import says of itself in the provenance."""
    line = next(line for line in text.decode().splitlines() if line.startswith("# provenance\t"))
    return json.loads(line.partition("\t")[2])["import"]


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)


class RoundTrip(Folder):
    def test_the_text_form_gives_the_same_trace(self):
        for trace in (TRACE, SOURCE / "tests" / "golden" / "v1.trace"):
            text, back = self.folder / "t.txt", self.folder / "back.trace"
            convert(trace, text)
            convert(text, back)
            events = [allocreplay("inspect", "--events", ":", path).stdout
                      for path in (trace, back)]
            self.assertEqual(events[0], events[1])
            self.assertGreater(len(events[0].splitlines()), 400)
            self.assertEqual(convert(back, "-", "--to", "text"), text.read_bytes())

    def test_pipes_and_compressed_files_give_the_same_text(self):
        text = convert(TRACE, "-", "--to", "text")
        trace = TRACE.read_bytes()
        self.assertEqual(convert("-", "-", "--to", "text", input=trace), text)
        streamed = convert("-", "-", "--to", "trace", input=text)
        self.assertEqual(convert("-", "-", "--to", "text", input=streamed), text)
        self.assertEqual(convert("-", "-", "--to", "text", input=gzip.compress(text)), text)
        with open(TRACE, "rb") as file:
            self.assertEqual(convert("-", "-", "--to", "text", stdin=file), text)

    def test_numpy_reads_the_array(self):
        convert(TRACE, self.folder / "t.npy")
        for mode in (None, "r"):
            array = numpy.load(self.folder / "t.npy", mmap_mode=mode, allow_pickle=False)
            rows = [(int(e["time_ns"]), int(e["thread"]), OPS[e["op"]], int(e["object"]),
                     int(e["size"]), int(e["align_log2"])) for e in array]
            self.assertEqual(rows, rows_of(convert(TRACE, "-", "--to", "text")))

    def test_what_other_formats_hold_comes_back(self):
        rows = rows_of(convert(TRACE, "-", "--to", "text"))
        convert(TRACE, self.folder / "t.rep")
        as_rep = [(0, 0, {"calloc": "malloc", "aligned": "malloc"}.get(op, op), name, size, 0)
                  for _, _, op, name, size, _ in rows]
        self.assertEqual(rows_of(convert(self.folder / "t.rep", "-", "--to", "text")), as_rep)
        android = rows_of(convert("-", "-", "--to", "text",
                                  input=convert(TRACE, "-", "--to", "android")))
        start = rows[0][0]  # which is 0 in what is imported
        self.assertEqual(android, [(row[0] - start, *row[1:]) for row in rows])
        csv = convert(TRACE, "-", "--to", "csv").decode().splitlines()
        self.assertEqual(csv[1:], [",".join(map(str, row)) for row in rows])


class Usage(Folder):
    def fails(self, code, *args, **kwargs):
        done = allocreplay("convert", *args, **kwargs)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(os.listdir(self.folder), [])
        return done.stderr.decode()

    def test_wrong_usage(self):
        out = self.folder / "out"
        self.assertIn("--to NAME, of: android (.android), csv (.csv)", self.fails(2, TRACE, out))
        self.assertIn("no format 'x' can be written", self.fails(2, TRACE, out, "--to", "x"))
        self.assertIn("no format 'x' can be read",
                      self.fails(2, TRACE, f"{out}.txt", "--from", "x"))
        self.assertIn("OUT is required", self.fails(2, TRACE))

    def test_input_that_is_nothing(self):
        out = self.folder / "out.trace"
        self.assertIn("README.md: is of no format known by its content; --from NAME",
                      self.fails(1, SOURCE / "README.md", out))
        self.assertIn("standard input: is empty", self.fails(1, "-", out, input=b""))
        self.assertIn("a trace in compressed form",
                      self.fails(1, "-", out, input=gzip.compress(TRACE.read_bytes())))
        self.assertIn("No such file", self.fails(1, self.folder / "none", out))

    def test_an_error_names_file_line_and_byte(self):
        self.assertIn("standard input: line 2, at byte 8 (decompressed): expected '+ ADDRESS",
                      self.fails(1, "-", self.folder / "out.trace",
                                 input=gzip.compress(b"= Start\nhello\n= End\n")))

    def test_from_overrides_the_content(self):
        text = b"+ 10 20\n- 10\n"  # without 0x it is not taken for mtrace's
        self.assertIn("of no format known", self.fails(1, "-", "-", "--to", "csv", input=text))
        rows = rows_of(convert("-", "-", "--to", "text", "--from", "mtrace", input=text))
        self.assertEqual([row[2:5] for row in rows], [("malloc", 0, 32), ("free", 0, 0)])

    def test_repairs_are_said_even_when_quiet(self):
        def said(*args):
            text = b"= Start\n- 0x10\n= End\n"
            return allocreplay("convert", "-", "-", "--to", "csv", *args, input=text).stderr.decode()
        self.assertEqual(said("-q"), "allocreplay: REPAIRED: frees_of_unknown_blocks = 1\n")
        self.assertIn("the format cannot say: whether memory was asked for by malloc", said())
        self.assertIn("csv cannot hold: ", said())

    def test_a_repaired_trace_says_so(self):
        out = self.folder / "out.trace"
        convert(GOLDEN / "rep" / "short_and_wrong.rep", out)
        shown = json.loads(allocreplay("inspect", "--json", out).stdout)["provenance"]["import"]
        self.assertEqual(shown["format"], "rep")
        self.assertEqual(shown["repaired"]["frees_put_in_before_reuse"], 1)
        self.assertIn("which thread made a call", shown["cannot_say"])

    def test_the_formats_are_listed(self):
        listed = json.loads(allocreplay("list", "--json").stdout)
        text = allocreplay("list").stdout.decode()
        for row in listed["importers"] + listed["exporters"]:
            self.assertIn(f"  {row['name']} ", text)


class Live(Folder):
    """A program under each tool that Debian has, and what the tool wrote imported."""

    def setUp(self):
        super().setUp()
        if not shutil.which("cc"):
            self.skipTest("cc is not installed")
        subprocess.run(["cc", "-O0", "-o", self.folder / "sample", GOLDEN / "sample.c", "-pthread"],
                       check=True)

    def run_tool(self, *command, **environment):
        if not shutil.which(command[0]):
            self.skipTest(f"{command[0]} is not installed")
        return subprocess.run(command, cwd=self.folder, capture_output=True, timeout=120,
                              check=False, env={**os.environ, **environment})

    def imported(self, log, tool, threads_are_whole=True):
        """Checks what all tools see of sample.c; returns the events and the report."""
        text = convert(self.folder / log, "-", "--to", "text", "-q")
        rows, report = rows_of(text), report_of(text)
        self.assertEqual(report["format"], tool)
        sizes = [row[4] for row in rows if row[2] != "free"]
        for size in (24, 120, 48, 20000, 64, 128, 0):
            self.assertIn(size, sizes)
        if threads_are_whole:
            for size in (1, 2, 3, 6, 2187, 4374):  # after the threads
                self.assertIn(size, sizes)
            for size in (77, *range(100, 110)):
                self.assertEqual(sizes.count(size), 2, size)  # one in each thread
        return rows, report

    def test_mtrace(self):
        done = self.run_tool("env", "./sample", LD_PRELOAD="libc_malloc_debug.so.0",
                             MALLOC_TRACE="mtrace.log")
        self.assertEqual(done.returncode, 0, done.stderr)
        rows, report = self.imported("mtrace.log", "mtrace")
        self.assertEqual(report["repaired"], {})
        self.assertIn("realloc", [row[2] for row in rows])

    def test_valgrind(self):
        done = self.run_tool("valgrind", "--trace-malloc=yes", "--log-file=valgrind.log", "./sample")
        self.assertEqual(done.returncode, 0, done.stderr)
        rows, report = self.imported("valgrind.log", "valgrind")
        self.assertEqual(report["repaired"], {})
        self.assertEqual([row[4:] for row in rows if row[2] == "aligned"],
                         [(500, 8), (128, 6), (33, 5)])

    def test_ltrace(self):
        (self.folder / ".ltrace.conf").write_text("int posix_memalign(+addr*, ulong, ulong);\n")
        functions = "malloc+calloc+realloc+free+posix_memalign+aligned_alloc+memalign"
        done = self.run_tool("ltrace", "-f", "-ttt", "-e", functions, "-o", "ltrace.log",
                             "./sample", HOME=str(self.folder))
        if done.returncode != 0:
            self.skipTest(f"ltrace cannot trace here (ptrace?): {done.stderr.decode().strip()}")
        # Of threads that run at once ltrace misses calls, or their ends, at times all that follows.
        rows, report = self.imported("ltrace.log", "ltrace", threads_are_whole=False)
        self.assertLessEqual(set(report["repaired"]),
                             {"calls_without_end", "ends_without_begin", "frees_of_unknown_blocks",
                              "frees_put_in_before_reuse", "reallocs_of_unknown_blocks"})
        self.assertEqual([row[4:] for row in rows if row[2] == "aligned"],
                         [(500, 8), (128, 6), (33, 5)])
        self.assertEqual(len({row[1] for row in rows}), 3)
        self.assertGreater(rows[-1][0], rows[0][0])

    def test_heaptrack(self):
        for options, log in ((["--raw"], "ht.raw.zst"), ([], "ht.zst")):
            done = self.run_tool("heaptrack", *options, "-o", "ht", "./sample")
            self.assertEqual(done.returncode, 0, done.stderr)
            names = os.listdir(self.folder)
            found = log if log in names else log.replace(".zst", ".gz")
            rows, report = self.imported(found, "heaptrack")
            self.assertLessEqual(set(report["repaired"]), {"frees_of_unknown_blocks"})
            self.assertNotIn("realloc", [row[2] for row in rows])


if __name__ == "__main__":
    unittest.main()
