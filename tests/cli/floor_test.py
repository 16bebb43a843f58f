"""allocreplay floor, as a user runs it; and footprints as multiples of the floor."""

import hashlib
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import jsonschema

SOURCE = pathlib.Path(os.environ["ALLOCREPLAY_SOURCE"])
BIN = pathlib.Path(os.environ["ALLOCREPLAY_BUILD"]) / "bin"
TRACE = SOURCE / "traces" / "small.trace"
SCHEMA = json.loads((SOURCE / "results/schema/floor-v1.schema.json").read_text())


def allocreplay(*args, **kwargs):
    return subprocess.run([BIN / "allocreplay", *map(str, args)], capture_output=True,
                          timeout=300, check=False, **kwargs)


def peaks_by_definition(first=0, last=None):
    """Most live bytes and their event; most with each object rounded up to 16: of the events that
    `inspect` prints."""
    rows = allocreplay("inspect", TRACE, "--events", "0:").stdout.decode().splitlines()[1:]
    sizes, peak, event, aligned = {}, 0, 0, 0
    live = rounded = 0

    def round_up(size):
        return max(16, (size + 15) // 16 * 16)

    for number, row in enumerate(rows[:last]):
        op, thing, size = row.split("\t")[3:6]
        if op in ("free", "realloc"):
            live -= sizes[thing]
            rounded -= round_up(sizes[thing])
        if op != "free":
            sizes[thing] = int(size)
            live += int(size)
            rounded += round_up(int(size))
        if number >= first - 1 and live > peak:
            peak, event = live, number
        if number >= first - 1:
            aligned = max(aligned, rounded)
    return peak, event, aligned


class Floor(unittest.TestCase):
    def floor(self, *args, **kwargs):
        done = allocreplay("floor", *args, **kwargs)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return done.stdout.decode()

    def document(self, *args, **kwargs):
        document = json.loads(self.floor(*args, "-f", "json", **kwargs))
        jsonschema.validate(document, SCHEMA)
        return document

    def test_json_agrees_with_the_events(self):
        document = self.document(TRACE)
        peak, event, aligned = peaks_by_definition()
        self.assertEqual(document["live"],
                         {"bytes": peak, "pages": -(-peak // 4096), "event": event})
        self.assertEqual(document["aligned"]["bytes"], aligned)
        self.assertEqual(document["trace"]["sha256"],
                         hashlib.sha256(TRACE.read_bytes()).hexdigest())
        packing = document["packing"]
        self.assertEqual(packing["bound_bytes"], aligned)
        self.assertGreaterEqual(packing["bytes"], packing["bound_bytes"])
        self.assertGreaterEqual(packing["pages"], packing["bound_pages"])
        self.assertLessEqual(packing["pages"], packing["bound_pages"] * 1.02)
        self.assertEqual([row["table"] for row in document["classes"]],
                         ["mem", "powers", "jemalloc"])
        for row in document["classes"]:
            self.assertGreaterEqual(row["bytes"], peak)
            self.assertGreaterEqual(row["pages"] * 4096, row["bytes"])

    def test_a_window_counts_what_was_live_before(self):
        document = self.document(TRACE, "--events", "4k:5k", "-c", "mem")
        peak, event, aligned = peaks_by_definition(4000, 5000)
        self.assertEqual((document["live"]["bytes"], document["live"]["event"]), (peak, event))
        self.assertEqual(document["packing"]["bound_bytes"], aligned)
        self.assertEqual((document["trace"]["first_event"], document["trace"]["last_event"]),
                         (4000, 5000))

    def test_classes_may_be_named_listed_or_read_from_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "classes.txt"
            path.write_text("# one\n1048576\n")
            rows = self.document(TRACE, "-c", "powers", "--classes", "16,1048576", "-c",
                                 path)["classes"]
        self.assertEqual([row["table"] for row in rows], ["powers", "16,1048576", str(path)])
        peaks = json.loads(allocreplay("inspect", TRACE, "--json").stdout)
        self.assertEqual(rows[2]["bytes"], peaks["peak_objects"]["live_objects"] * 1048576)
        self.assertEqual(rows[2]["pages"], rows[2]["bytes"] // 4096)

    def test_a_pipe_has_the_same_floor(self):
        piped = self.document("-", input=TRACE.read_bytes())
        self.assertIsNone(piped["trace"]["sha256"])
        del piped["trace"]
        file = self.document(TRACE)
        del file["trace"]
        self.assertEqual(piped, file)

    def test_tsv_has_a_line_a_floor_and_the_output_may_be_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            target = pathlib.Path(folder) / "floor.tsv"
            self.assertEqual(self.floor(TRACE, "-f", "tsv", "-c", "mem", "-o", target), "")
            rows = [line.split("\t") for line in target.read_text().splitlines()]
        self.assertEqual(rows[0], ["trace", "floor", "bytes", "pages", "of_floor"])
        self.assertEqual([row[1] for row in rows[1:]], ["live", "aligned", "packing", "classes:mem"])
        self.assertEqual(rows[1][0::4], ["small.trace", "1.0000"])

    def test_text_says_the_bound_beside_the_packing(self):
        text = self.floor(TRACE)
        self.assertIn("best packing found", text)
        self.assertRegex(text, "No packing of objects aligned to 16 bytes takes fewer")

    def test_of_nothing_there_is_no_multiple(self):
        with tempfile.TemporaryDirectory() as folder:
            text, path = pathlib.Path(folder, "nothing.txt"), pathlib.Path(folder, "nothing.trace")
            text.write_text("# allocreplay trace, text form 1\n"
                            "time_ns\tthread\top\tobject\tsize\talign_log2\n"
                            "0\t0\tmalloc\t0\t0\t0\n")
            made = allocreplay("convert", text, path)
            self.assertEqual(made.returncode, 0, made.stderr)
            for output in (self.floor(path), self.floor(path, "-f", "tsv")):
                self.assertNotRegex(output, "nan|inf")
            self.assertRegex(self.floor(path), r"live +0 +0 +- x")

    def test_what_is_wrong_is_said(self):
        for args, code, message in [
                (["floor", TRACE, "-c", "tcmalloc"], 2, "neither one of mem, powers, jemalloc"),
                (["floor", TRACE, "-e", "9k:8k"], 2, "is empty"),
                (["floor", TRACE, "-e", "1M:"], 1, "the trace has 8612 events"),
                (["floor", SOURCE / "README.md"], 1, "README.md"),
                (["floor", TRACE, "-f", "yaml"], 2, "yaml"),
                (["floor"], 2, "TRACE")]:
            done = allocreplay(*args)
            self.assertEqual((done.returncode, done.stdout), (code, b""), args)
            self.assertIn(message, done.stderr.decode())


class Multiples(unittest.TestCase):
    """Of a replay's footprints."""

    def replay(self, *args):
        done = allocreplay("-t", TRACE, "-a", "mem-classic", "-r", "1", *args)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout), done.stderr.decode()

    def test_each_footprint_is_also_a_multiple_of_the_floor(self):
        document, table = self.replay()
        floor = document["trace"]["floor_pages"]
        self.assertEqual(floor, -(-peaks_by_definition()[0] // 4096))
        for result in document["results"]:
            for key, metric in result["metrics"].items():
                if metric["unit"] == "pages" and metric["better"] == "lower":
                    self.assertAlmostEqual(metric["of_floor"], metric["value"] / floor, msg=key)
                else:
                    self.assertNotIn("of_floor", metric, key)
            self.assertIn("of_floor", result["metrics"]["peak_resident_pages"])
        self.assertRegex(table, rf"peak_resident_pages .*\n +of the floor, {floor} pages +"
                                r"[0-9.]+ x +[0-9.]+ x\n")

    def test_without_touched_pages_there_is_no_floor(self):
        document, table = self.replay("--touch", "none")
        self.assertIsNone(document["trace"]["floor_pages"])
        self.assertNotIn("of_floor", document["results"][0]["metrics"]["peak_resident_pages"])
        self.assertNotIn("of the floor", table)


if __name__ == "__main__":
    unittest.main()
