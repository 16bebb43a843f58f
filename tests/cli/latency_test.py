"""Latency in detail, the worst calls, and what --explain says of them."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import jsonschema

SOURCE = pathlib.Path(os.environ["ALLOCREPLAY_SOURCE"])
BIN = pathlib.Path(os.environ["ALLOCREPLAY_BUILD"]) / "bin"
SANITIZED = os.environ.get("ALLOCREPLAY_SANITIZE", "")
TRACE = SOURCE / "traces" / "small.trace"
SCHEMA = json.loads((SOURCE / "results" / "schema" / "result-v1.schema.json").read_text())


def replay(trace, *args):
    done = subprocess.run([BIN / "allocreplay", "--trace", trace, *map(str, args)], text=True,
                          capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def bucket_bounds(index: int, per_doubling: int) -> tuple[int, int]:
    """The form that results/README.md documents."""
    if index < per_doubling:
        return index, index + 1
    shift = index // per_doubling - 1
    low = (per_doubling + index % per_doubling) << shift
    return low, low + (1 << shift)


class Classes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.document, _ = replay(TRACE, "-a", "mem-classic", "-r", "2", "--worst", "5")
        cls.result = cls.document["results"][1]
        cls.series = cls.result["series"]

    def test_the_document_is_valid(self):
        jsonschema.validate(self.document, SCHEMA)

    def test_the_classes_of_an_operation_add_up_to_it(self):
        for op, histogram in self.series["latency_histogram"].items():
            calls = sum(row["calls"] for row in self.series["latency_by_class"] if row["op"] == op)
            self.assertEqual(calls, sum(histogram["count"]))

    def test_frees_are_local_or_remote_and_the_others_first_or_not(self):
        remote = 0
        touches = set()
        for row in self.series["latency_by_class"]:
            if row["op"] == "free":
                self.assertIsNone(row["first_touch"])
                remote += row["calls"] if row["remote"] else 0
            else:
                self.assertIsNone(row["remote"])
                touches.add(row["first_touch"])
        self.assertEqual(touches, {True, False})
        # small.trace has 122 frees by another thread; a disturbed one would stand apart.
        self.assertGreater(remote, 200)
        self.assertLessEqual(remote, 2 * 122)

    def test_the_histograms_have_the_documented_form(self):
        for row in self.series["latency_by_class"]:
            histogram = row["histogram"]
            self.assertEqual(sum(histogram["count"]), row["calls"])
            _, last = bucket_bounds(histogram["index"][-1], histogram["buckets_per_doubling"])
            self.assertLess(histogram["max_ticks"], last)
            low, _ = bucket_bounds(histogram["index"][-1], histogram["buckets_per_doubling"])
            self.assertGreaterEqual(histogram["max_ticks"], low)
            self.assertAlmostEqual(row["max_ns"], histogram["max_ticks"] * histogram["tick_ns"],
                                   delta=0.01)
            self.assertLessEqual(row["p50_ns"], row["p9999_ns"])

    def test_the_worst_are_named_in_their_order(self):
        worst = self.series["latency_worst"]
        self.assertEqual(len(worst), 5)
        times = [call["ns"] for call in worst if not call["disturbed"]]
        self.assertEqual(times, sorted(times, reverse=True))
        for call in worst:
            self.assertLess(call["event"], self.document["trace"]["last_event"])
            self.assertIsNone(call["explained"])

    def test_the_timer_is_published(self):
        metrics = self.result["metrics"]
        self.assertGreater(metrics["harness_timer_cost_ns"]["value"], 0)
        self.assertGreater(metrics["harness_timer_resolution_ns"]["value"], 0)
        self.assertEqual(self.document["config"]["percentiles"], "spread over the clock's steps")


LARGE_BYTES = 64 << 20  # in glibc a mapping of its own, given back when it is freed


def text_trace() -> str:
    """Small blocks, and between them a large one. After the first 100, all are among the 64 longest."""
    rows = [("calloc", i, 64) for i in range(150)]
    rows[120] = ("calloc", 120, LARGE_BYTES)
    rows.append(("free", 120, 0))
    lines = ["# allocreplay trace, text form 1", "# time_unit_ns\t1", "# start_unix_ns\t0",
             "time_ns\tthread\top\tobject\tsize\talign_log2"]
    lines += [f"{i}\t0\t{op}\t{number}\t{size}\t0" for i, (op, number, size) in enumerate(rows)]
    return "\n".join([*lines, f"# end\t{len(rows)}", ""])


@unittest.skipIf(SANITIZED, "a sanitizer's own memory is mapped beside the allocator's")
class Explained(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            text = pathlib.Path(folder) / "large.txt"
            trace = pathlib.Path(folder) / "large.trace"
            text.write_text(text_trace())
            subprocess.run([BIN / "allocreplay", "convert", "--from", "text", text, trace],
                           check=True, capture_output=True)
            cls.document, cls.stderr = replay(trace, "-a", "mem-classic", "-r", "1", "--worst",
                                              "64", "--explain", "--events", "100:")

    def test_the_document_is_valid(self):
        jsonschema.validate(self.document, SCHEMA)

    def test_the_large_block_is_explained_by_its_mapping(self):
        worst = {call["event"]: call
                 for call in self.document["results"][0]["series"]["latency_worst"]}
        self.assertGreaterEqual(min(worst), 100)
        self.assertEqual(worst[120]["size_bytes"], LARGE_BYTES)
        self.assertGreater(worst[120]["explained"]["ns"], 0)
        self.assertEqual(worst[150]["op"], "free")
        if "calls_mmap" in self.document["results"][0]["metrics"]:  # calls can be counted here
            self.assertEqual(worst[120]["explained"]["calls"]["mmap"], 1)
            self.assertEqual(worst[150]["explained"]["calls"]["munmap"], 1)

    def test_every_named_call_is_explained_and_shown(self):
        for result in self.document["results"]:
            for call in result["series"]["latency_worst"]:
                self.assertIsNotNone(call["explained"])
            self.assertIn(f"the longest calls of {result['allocator']}", self.stderr)
        self.assertRegex(self.stderr, r" 120 +calloc +67108864 .* ns .* ns  ")


if __name__ == "__main__":
    unittest.main()
