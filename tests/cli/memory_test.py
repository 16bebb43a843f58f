"""The memory of a replay, as a result tells of it: series, fragmentation, what is held."""

import json
import os
import pathlib
import subprocess
import unittest

import jsonschema

SOURCE = pathlib.Path(os.environ["ALLOCREPLAY_SOURCE"])
BIN = pathlib.Path(os.environ["ALLOCREPLAY_BUILD"]) / "bin"
SANITIZED = os.environ.get("ALLOCREPLAY_SANITIZE", "")
TRACE = SOURCE / "traces" / "small.trace"
SCHEMA = json.loads((SOURCE / "results" / "schema" / "result-v1.schema.json").read_text())
BYTES = ("mapped_bytes", "resident_bytes", "dirty_free_bytes", "huge_page_bytes",
         "page_table_bytes")
PARTS = ("requested_bytes", "internal_bytes", "metadata_bytes", "caches_bytes", "external_bytes",
         "unsplit_bytes")


def allocreplay(*args):
    return subprocess.run([BIN / "allocreplay", "--trace", TRACE, *map(str, args)],
                          capture_output=True, encoding="utf-8", timeout=300, check=False)


def replay(*args):
    done = allocreplay(*args)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    return {r["allocator"]: r for r in document["results"]}, done.stderr


@unittest.skipIf(SANITIZED, "a sanitizer's shadow is anonymous memory too")
class Memory(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.results, _ = replay("-a", "mem", "-a", "null", "-r", "1", "--threads", "1")

    def test_the_null_run_reads_zero_within_two_pages(self):
        series = self.results["null"]["series"]["memory"]
        for key in BYTES:
            self.assertLessEqual(max(series[key]), 2 * series["page_size_bytes"], key)
        self.assertEqual(list(series["absent"]), ["usable_bytes"])
        self.assertLessEqual(self.results["null"]["series"]["held_at_peak"]["held_bytes"], 8192)

    def test_each_series_has_as_many_entries_as_it_says(self):
        for result in self.results.values():
            series = result["series"]["memory"]
            for key in ("event", "requested_bytes", *BYTES):
                self.assertEqual(len(series[key]), series["samples"], key)

    def test_the_series_agree_with_each_other_and_with_the_metrics(self):
        for name in ("mem", "glibc"):
            result = self.results[name]
            series, metrics = result["series"]["memory"], result["metrics"]
            for requested, usable in zip(series["requested_bytes"], series["usable_bytes"], strict=True):
                self.assertLessEqual(requested, usable)
            for free, resident in zip(series["dirty_free_bytes"], series["resident_bytes"],
                                      strict=True):
                self.assertLessEqual(free, resident)
            page = series["page_size_bytes"]
            peak = max(series["resident_bytes"])
            self.assertEqual(peak, metrics["peak_resident_pages"]["value"] * page)
            self.assertEqual(series["requested_bytes"],
                             result["series"]["fragmentation"]["total_allocated_bytes"])
            live = max(series["requested_bytes"])
            self.assertAlmostEqual(metrics["fragmentation_jw_peaks"]["value"], peak / live - 1)
            share = metrics["fragmentation_at_peak_live"]["value"]
            self.assertAlmostEqual(metrics["fragmentation_jw_at_most_live"]["value"],
                                   1 / (1 - share) - 1)

    def test_the_parts_of_what_is_held_add_up(self):
        for name in ("mem", "glibc"):
            held = self.results[name]["series"]["held_at_peak"]
            self.assertEqual(sum(held.get(part, 0) for part in PARTS), held["held_bytes"], name)
        glibc = self.results["glibc"]["series"]["held_at_peak"]
        self.assertEqual((glibc["told_by"], list(glibc["absent"])), ("mallinfo2", ["unsplit_bytes"]))
        mem = self.results["mem"]["series"]["held_at_peak"]
        self.assertEqual(mem["told_by"], "malloc_stats")
        self.assertIn("caches_bytes", mem["absent"])
        self.assertNotIn("caches_bytes", mem)

    def test_of_untouched_objects_less_is_known(self):
        results, _ = replay("-a", "mem-classic", "-r", "1", "--touch", "none")
        series = results["mem-classic"]["series"]
        self.assertIn("dirty_free_bytes", series["memory"]["absent"])
        self.assertIn("external_bytes", series["held_at_peak"]["absent"])

    def test_several_threads_are_accounted_for(self):
        results, _ = replay("-a", "mem", "-r", "1")
        for result in results.values():
            series = result["series"]["memory"]
            self.assertTrue(all(r <= u for r, u in zip(series["requested_bytes"],
                                                       series["usable_bytes"], strict=True)))


@unittest.skipIf(SANITIZED, "a sanitizer's shadow is anonymous memory too")
class Idle(unittest.TestCase):
    def test_what_is_held_after_the_load_with_and_without_trim(self):
        results, text = replay("-a", "mem-classic", "-a", "mem", "-r", "2", "--idle", "30,0,10",
                               "--threads", "1")
        for name in ("mem", "glibc"):
            idle, metrics = results[name]["series"]["idle"], results[name]["metrics"]
            self.assertEqual(idle["after_ms"], [0, 10, 30])
            self.assertEqual(idle["absent"], {})
            self.assertEqual(idle["end_resident_bytes"],
                             metrics["end_resident_pages"]["value"] * 4096)
            for course, kind in (("untrimmed", ""), ("trimmed", "trimmed_")):
                resident = idle[course]["resident_bytes"]
                self.assertEqual([metrics[f"idle_{ms}ms_{kind}resident_pages"]["value"] * 4096
                                  for ms in idle["after_ms"]], resident)
                self.assertLessEqual(max(resident), idle["peak_resident_bytes"] + 8192)
            self.assertLessEqual(idle["trimmed"]["resident_bytes"][0],
                                 idle["untrimmed"]["resident_bytes"][0])
        self.assertIn("mem idle: most held", text)

    def test_without_a_malloc_trim_that_is_said(self):
        results, text = replay("-a", "null", "-r", "1", "--idle", "1")
        self.assertEqual(list(results["null"]["series"]["idle"]["absent"]), ["trimmed"])
        self.assertNotIn("idle_1ms_trimmed_resident_pages", results["null"]["metrics"])
        self.assertIn("the allocator has no malloc_trim", text)

    def test_wrong_usage_is_2(self):
        for args, expected in ((("--idle", "-5"), "--idle"), (("--idle", "soon"), "--idle"),
                               (("--idle", ",".join(map(str, range(17)))), "17 times"),
                               (("--idle", "5", "--cost", "instructions"), "--cost")):
            done = allocreplay("-a", "null", *args)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn(expected, done.stderr)


class Soak(unittest.TestCase):
    def test_each_turn_ends_with_what_lived_where_it_began(self):
        results, text = replay("-a", "mem-classic", "-r", "1", "--loop", "24", "-e", "1000:5000",
                               "--threads", "1")
        soak = results["mem-classic"]["series"]["soak"]
        self.assertEqual((soak["turns"], len(soak["resident_bytes"])), (24, 24))
        self.assertEqual(soak["events_per_turn"], 4000 + soak["closing_events"])
        live = results["mem-classic"]["series"]["memory"]["requested_bytes"]
        self.assertEqual(soak["live_bytes"], live[0])
        self.assertEqual(soak["resident_drift"]["tested_turns"], 12)
        if not SANITIZED:
            self.assertEqual(soak["resident_drift"]["verdict"], "steady")
        self.assertIn("mem-classic in 24 turns of", text)

    @unittest.skipIf(SANITIZED, "a sanitizer's allocator holds freed blocks back")
    def test_an_allocator_that_never_frees_grows(self):
        results, text = replay("-a", "bump", "-r", "1", "--loop", "20")
        self.assertEqual(results["bump"]["series"]["soak"]["resident_drift"]["verdict"], "grows")
        self.assertIn("grows: +", text)

    def test_few_turns_cannot_tell(self):
        results, text = replay("-a", "null", "-r", "1", "--loop", "3")
        soak = results["null"]["series"]["soak"]
        self.assertEqual(soak["resident_drift"]["verdict"], "cannot tell")
        self.assertIn("cannot tell from so few turns; 20 tell", text)

    def test_wrong_usage_is_2(self):
        for args in (("--loop", "0"), ("--loop", "4001"), ("--loop", "often"),
                     ("--loop", "2", "--threads", "2"), ("--loop", "2", "--cost", "instructions")):
            done = allocreplay("-a", "null", *args)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn("--loop", done.stderr)


@unittest.skipIf(SANITIZED, "a sanitizer's address space takes too long to walk")
class HeapMap(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.results, _ = replay("-a", "mem", "-a", "null", "-r", "1", "--threads", "1",
                                "--heap-map", "peak", "--heap-map", "5k", "--heap-map", "end")

    def test_live_bytes_of_all_pages_are_the_requested_ones(self):
        for name in ("mem", "glibc"):
            series = self.results[name]["series"]
            memory = series["memory"]
            requested = dict(zip(memory["event"], memory["requested_bytes"]))
            maps = series["heap_map"]
            self.assertEqual([one["moment"] for one in maps], ["peak", "5k", "end"])
            self.assertEqual(maps[1]["event"], 5000)
            for one in maps:
                self.assertEqual(sum(one["pages"]["live_bytes"]), requested[one["event"]])

    def test_pages_held_are_those_of_the_series(self):
        for name in ("mem", "glibc"):
            series = self.results[name]["series"]
            memory = series["memory"]
            for one in series["heap_map"]:
                at = memory["event"].index(one["event"])
                free = sum(run["pages"] for run in one["free_runs"])
                held = free + sum(one["pages"]["resident"])
                self.assertAlmostEqual(held * 4096, memory["resident_bytes"][at], delta=8 * 4096)
                self.assertAlmostEqual(free * 4096, memory["dirty_free_bytes"][at], delta=8 * 4096)

    def test_objects_that_pin_sparse_pages_are_those_of_the_trace(self):
        text = subprocess.run([BIN / "allocreplay", "convert", TRACE, "-", "--to", "text", "-q"],
                              capture_output=True, encoding="utf-8", check=True).stdout
        events = [line.split("\t") for line in text.splitlines()
                  if line[:1].isdigit()]
        pinned = [o for name in ("mem", "glibc")
                  for one in self.results[name]["series"]["heap_map"]
                  for page in one["sparse_pages"] for o in page["objects"]]
        self.assertTrue(pinned)
        for one in pinned:
            event = events[one["birth_event"]]
            self.assertNotIn(event[2], ("free", "realloc"))
            if not any(e[2] == "realloc" and e[3] == event[3] for e in events):
                self.assertEqual(int(event[4]), one["size_bytes"])

    def test_without_memory_behind_its_blocks_there_is_no_map(self):
        one = self.results["null"]["series"]["heap_map"][0]
        self.assertIn("no memory stands behind", one["absent"])
        self.assertNotIn("pages", one)

    def test_wrong_usage_is_2(self):
        for args, expected in ((("--heap-map", "noon", "--threads", "1"), "count of events"),
                               (("--heap-map", "9k", "--threads", "1"), "measured events are 0 to"),
                               (("--heap-map", "peak", "--threads", "recorded"), "--threads 1")):
            done = allocreplay("-a", "null", *args)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn(expected, done.stderr)


if __name__ == "__main__":
    unittest.main()
