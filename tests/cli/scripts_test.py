"""The readers and figures in scripts/, on small results made up here."""

import contextlib
import io
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import jsonschema

import results_io

SOURCE = pathlib.Path(os.environ["ALLOCREPLAY_SOURCE"])
SCHEMA = json.loads((SOURCE / "results/schema/result-v1.schema.json").read_text())


def metric(value, unit, better):
    return {"value": value, "unit": unit, "better": better, "interval": [value, value],
            "samples": [value, value]}


def allocator_result(name, slowness):
    metrics = {key: metric(1.0, "pages", "lower") for key in (
        "peak_resident_pages", "fragmentation_at_peak_live", "fragmentation_at_peak_pages",
        "page_faults_minor", "harness_cost_per_event_ns")}
    metrics["throughput_events_per_s"] = metric(1e6, "events/s", "higher")
    return {
        "allocator": name, "binding": "preload", "library": None, "metrics": metrics,
        "series": {
            "fragmentation": {
                "page_size_bytes": 4096, "event": [0, 10, 20],
                "total_allocated_bytes": [0, 4096, 6144], "total_pages": [0, 2, 3],
                "mapped_pages": [0, 4, 4], "fragmentation": [None, 0.5, 0.5]},
            "memory": {
                "samples": 2, "page_size_bytes": 4096, "event": [0, 20],
                "requested_bytes": [0, 1 << 20], "resident_bytes": [0, 2 << 20],
                "huge_page_bytes": [0, 0], "mapped_bytes": [0, 4 << 20], "page_table_bytes": [0, 0],
                "absent": {"usable_bytes": "the allocator does not tell usable sizes"}},
            "heap_map": [
                {"moment": "peak", "event": 10, "page_size_bytes": 4096,
                 "pages": {"address": [8192, 12288, 40960], "live_bytes": [4096, 1024, 512],
                           "objects": [1, 2, 1], "resident": [True, True, False]},
                 "free_runs": [{"address": 16384, "pages": 2}], "sparse_below_share": 0.25,
                 "sparse_pages": []},
                {"moment": "end", "event": 20, "absent": "not this time"}],
            "latency_histogram": {
                "malloc": {"unit": "ns", "lower": [10 * slowness, 20 * slowness],
                           "upper": [20 * slowness, 40 * slowness], "count": [9, 1]},
                "free": {"unit": "ns", "lower": [10], "upper": [20], "count": [10]}}}}


def made_result():
    """A valid document of two allocators."""
    return {
        "schema": "allocreplay-result", "schema_version": "1.0",
        "context": {
            "date": "2026-01-02T03:04:05Z",
            "host": {"cpu": "a CPU", "logical_cpus": 2, "memory_bytes": 1 << 30, "kernel": "6.1",
                     "machine": "x86_64", "page_size_bytes": 4096,
                     "transparent_huge_pages": "never", "governor": None},
            "build": {"version": "0.1.0", "git_revision": "0", "compiler": "GCC",
                      "build_type": "Release", "sanitizers": "", "assertions": False},
            "libraries": {}, "warnings": []},
        "trace": {"path": "made.trace", "sha256": "0" * 64, "format_version": "1.0", "events": 20,
                  "objects": 10, "threads": 1, "lost_events": 0, "first_event": 0,
                  "last_event": 20, "peak_live_bytes": 6144, "truncation": None,
                  "provenance": {}},
        "config": {"repetitions": 2, "touch": "page", "cpu": 0, "timer": "tsc", "threads_recorded": 1,
                   "threads_replayed": 1, "concurrency": "one thread, as recorded",
                   "warmup_events": 0, "confidence": 0.95, "same_within": 0.02},
        "results": [allocator_result("glibc", 1), allocator_result("mem", 2)],
        "comparison": [{"baseline": "glibc", "subject": "mem", "binding": "preload",
                        "metrics": {"peak_resident_pages": {
                            "ratio": None, "interval": None, "verdict": "cannot tell"}}}]}


class Made(unittest.TestCase):
    """Gives each test a folder and a way to write documents into it."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="allocreplay-scripts-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, document, name="made.json"):
        path = self.folder / name
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return path

    def refusal(self, document):
        with self.assertRaises(results_io.ResultError) as caught:
            results_io.load(self.write(document))
        self.assertTrue(str(caught.exception).startswith(str(self.folder)), caught.exception)
        return str(caught.exception)


class Reader(Made):
    def test_the_made_document_is_valid(self):
        jsonschema.validate(made_result(), SCHEMA)

    def test_a_result_is_read(self):
        result = results_io.load(self.write(made_result()))
        self.assertEqual((result.trace_path, result.trace_events, result.page_size_bytes),
                         ("made.trace", 20, 4096))
        glibc, mem = result.results
        self.assertEqual((glibc.allocator, mem.allocator), ("glibc", "mem"))
        throughput = mem.metrics["throughput_events_per_s"]
        self.assertEqual((throughput.value, throughput.unit, throughput.better),
                         (1e6, "events/s", "higher"))
        self.assertEqual((throughput.interval, throughput.samples), ((1e6, 1e6), [1e6, 1e6]))
        self.assertEqual(mem.fragmentation.total_pages, [0, 2, 3])
        self.assertEqual(mem.fragmentation.page_size_bytes, 4096)
        self.assertEqual([heap.moment for heap in mem.heap_maps], ["peak"])
        self.assertEqual(mem.heap_maps[0].free_runs, [(16384, 2)])
        self.assertEqual(mem.latency["malloc"].lower, [20, 40])
        self.assertEqual(mem.latency["malloc"].upper, [40, 80])
        self.assertEqual(mem.latency["malloc"].count, [9, 1])

    def test_a_newer_minor_and_unknown_keys_are_read(self):
        document = made_result()
        document["schema_version"] = "1.99"
        document["news"] = document["results"][0]["news"] = {"a": 1}
        document["results"][0]["metrics"]["news"] = {**metric(1, "x", "none"), "more": 1}
        document["results"][0]["series"]["news"] = []
        self.assertIn("news", results_io.load(self.write(document)).results[0].metrics)

    def test_another_major_is_refused(self):
        for version in ("2.0", "0.9", "10.0", None):
            document = {**made_result(), "schema_version": version}
            self.assertIn(f"schema version {version} is unknown; this reads 1.x",
                          self.refusal(document))

    def test_another_document_is_refused(self):
        self.assertIn("not a result of allocreplay", self.refusal({"schema": "other"}))
        self.assertIn("not a result of allocreplay", self.refusal([]))
        self.assertIn("not JSON", self.refusal("{"))
        with self.assertRaisesRegex(results_io.ResultError, "No such file"):
            results_io.load(self.folder / "none.json")

    def test_null_is_nan(self):
        document = made_result()
        raw = document["results"][0]["metrics"]["peak_resident_pages"]
        raw.update(value=None, interval=None, samples=[None, 1.0])
        result = results_io.load(self.write(document)).results[0]
        pages = result.metrics["peak_resident_pages"]
        self.assertTrue(math.isnan(pages.value))
        self.assertIsNone(pages.interval)
        self.assertTrue(math.isnan(pages.samples[0]))
        self.assertEqual(pages.samples[1], 1.0)
        self.assertTrue(math.isnan(result.fragmentation.ratio[0]))

    def test_what_is_missing_or_uneven_is_named(self):
        for part in ("context", "trace", "config", "results", "comparison"):
            document = made_result()
            del document[part]
            self.assertIn(f"'{part}'", self.refusal(document))
        for part in ("lower", "upper", "count"):
            document = made_result()
            del document["results"][1]["series"]["latency_histogram"]["free"][part]
            self.assertIn(f"'{part}'", self.refusal(document))
            document = made_result()
            document["results"][1]["series"]["latency_histogram"]["free"][part].append(1)
            self.assertIn("latency_histogram.free differ in length", self.refusal(document))
        document = made_result()
        document["results"][0]["series"]["heap_map"][0]["pages"]["resident"].pop()
        self.assertIn("heap_map.pages differ in length", self.refusal(document))
        document = made_result()
        document["results"][0]["series"]["memory"]["resident_bytes"].pop()
        self.assertIn("series.memory differ in length", self.refusal(document))
        document = made_result()
        document["results"][0]["series"]["fragmentation"]["total_pages"].pop()
        self.assertIn("series.fragmentation differ in length", self.refusal(document))

    def test_as_a_program_it_validates(self):
        def run(document):
            done = subprocess.run([sys.executable, SOURCE / "scripts/results_io.py", "-"],
                                  input=json.dumps(document), text=True, capture_output=True,
                                  check=False)
            return done.returncode, done.stderr
        self.assertEqual(run(made_result()), (0, ""))
        document = made_result()
        document["results"][1]["binding"] = "magic"
        code, message = run(document)
        self.assertEqual(code, 1)
        self.assertIn("$.results[1].binding: 'magic' is not one of", message)
        self.assertEqual(run({**made_result(), "schema_version": "2.0"})[0], 1)


class Figures(Made):
    SCRIPTS = ("plot_latency", "plot_fragmentation", "plot_heap_map", "plot_memory")

    def plot(self, script, *args):
        """(exit code, stderr); in this process, for loading matplotlib takes its time."""
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors):
            code = __import__(script).main([*map(str, args)])
        return code, errors.getvalue()

    def test_png_and_svg_are_written(self):
        source = self.write(made_result())
        for script in self.SCRIPTS:
            self.assertEqual(self.plot(script, source, "-o", self.folder / script), (0, ""))
            png = (self.folder / f"{script}.png").read_bytes()
            svg = (self.folder / f"{script}.svg").read_text()
            self.assertEqual(png[:8], b"\x89PNG\r\n\x1a\n")
            self.assertIn("<svg", svg)
            self.assertNotIn("<dc:date>", svg)

    def test_the_same_input_gives_the_same_bytes(self):
        source = self.write(made_result())
        for script in self.SCRIPTS:
            for name in ("once", "twice"):
                # Each in a process of its own, so that nothing is shared but the input.
                subprocess.run([sys.executable, SOURCE / f"scripts/{script}.py", source, "-o",
                                self.folder / name], check=True)
            for suffix in (".svg", ".png"):
                self.assertEqual((self.folder / f"once{suffix}").read_bytes(),
                                 (self.folder / f"twice{suffix}").read_bytes(), script)

    def drawn(self, script, document=None):
        """For each panel, for each curve of two made results, its y values."""
        import figure
        document = document or made_result()
        chart = __import__(script).draw(*figure.load_lines([self.write(document)]))
        panels = [[list(line.get_ydata()) for line in panel.lines] for panel in chart.axes]
        figure.plt.close(chart)
        return panels

    def test_fragmentation_draws_memory_and_ratio(self):
        memory, ratio = self.drawn("plot_fragmentation")
        self.assertEqual(memory, [[0, 2 / 256, 3 / 256]] * 2)
        self.assertEqual([curve[1:] for curve in ratio], [[0.5, 0.5]] * 2)
        self.assertTrue(all(math.isnan(curve[0]) for curve in ratio))

    def test_what_was_asked_for_is_drawn_once_for_each_window_of_a_trace(self):
        import figure
        import plot_fragmentation

        def labels(*documents):
            paths = [self.write(each, f"{i}.json") for i, each in enumerate(documents)]
            chart = plot_fragmentation.draw(*figure.load_lines(paths))
            found = chart.axes[0].get_legend_handles_labels()[1]
            figure.plt.close(chart)
            return [label for label in found if label.startswith("asked for and live")]

        part, other = made_result(), made_result()
        part["trace"].update(first_event=5, last_event=15)
        other["trace"].update(path="other.trace", sha256="1" * 64)
        self.assertEqual(labels(made_result(), made_result()), ["asked for and live"])
        self.assertEqual(labels(made_result(), part, other),
                         [f"asked for and live ({name})" for name in (
                             "made.trace, 0:20", "made.trace, 5:15", "other.trace, 0:20")])

    def test_the_colours_of_a_heap_map_are_explained(self):
        import figure
        import plot_heap_map
        chart = plot_heap_map.draw(*figure.load_lines([self.write(made_result())]))
        bar = next(panel for panel in chart.axes if not panel.images)
        self.assertIn("up: not resident", bar.get_ylabel())
        images = [image for panel in chart.axes for image in panel.images]
        self.assertEqual(images[-1].colorbar.extend, "both")
        figure.plt.close(chart)

    def test_a_heap_map_draws_every_page_in_the_order_of_addresses(self):
        import figure
        import plot_heap_map
        chart = plot_heap_map.draw(*figure.load_lines([self.write(made_result())]))
        images = [panel.images[0].get_array() for panel in chart.axes if panel.images]
        figure.plt.close(chart)
        self.assertEqual(len(images), 2)
        beyond = plot_heap_map.NOT_RESIDENT
        self.assertEqual(list(images[0][0][:5]), [1.0, 0.25, 0.0, 0.0, beyond])
        self.assertTrue(all(images[0].mask[0][5:]))

    def test_latency_draws_one_panel_an_operation(self):
        free, malloc = self.drawn("plot_latency")
        self.assertEqual([[round(y, 3) for y in curve] for curve in malloc], [[0, 1, 1.301]] * 2)
        self.assertEqual([[round(y, 3) for y in curve] for curve in free], [[0, 1.301]] * 2)

    def test_response_times_are_curves_of_their_own(self):
        document = made_result()
        document["results"][0]["series"]["response_histogram"] = {
            "free": {"unit": "ns", "lower": [10], "upper": [20], "count": [1000]}}
        free, malloc = self.drawn("plot_latency", document)
        self.assertEqual((len(free), len(malloc)), (3, 2))
        self.assertGreater(max(free[1]), max(free[0]))

    def test_memory_draws_what_is_known_and_what_is_held_after_the_load_and_each_turn(self):
        self.assertEqual(self.drawn("plot_memory"), [[[0, 1], [0, 2], [0, 0]]] * 2)
        document = made_result()
        document["results"][1]["series"]["idle"] = {
            "after_ms": [0, 100], "untrimmed": {"resident_bytes": [2 << 20, 1 << 20]}}
        document["results"][0]["series"]["soak"] = {"resident_bytes": [1 << 20, 1 << 20, 3 << 20]}
        *_, idle, soak = self.drawn("plot_memory", document)
        self.assertEqual((idle, soak), ([[2, 1]], [[1, 1, 3]]))

    def test_several_files_and_an_empty_histogram_are_drawn(self):
        document = made_result()
        histogram = document["results"][0]["series"]["latency_histogram"]["free"]
        histogram.update(lower=[], upper=[], count=[])
        paths = [self.write(document, "a.json"), self.write(made_result(), "b.json")]
        for script in self.SCRIPTS:
            self.assertEqual(self.plot(script, *paths, "-o", self.folder / "x.svg"), (0, ""))

    def test_what_cannot_be_drawn_is_said(self):
        document = made_result()
        for result in document["results"]:
            result["series"]["latency_histogram"] = {}
            result["series"]["heap_map"] = []
            del result["series"]["memory"]
            for values in result["series"]["fragmentation"].values():
                if isinstance(values, list):
                    values.clear()
        source = self.write(document)
        for script in self.SCRIPTS:
            code, message = self.plot(script, source, "-o", self.folder / "x")
            self.assertEqual(code, 1)
            self.assertRegex(message, f"^{script}: no .* in these results\n$")
        self.assertEqual(list(self.folder.iterdir()), [source])


class Tables(Made):
    def markdown(self, document):
        import markdown_table
        return markdown_table.tables(results_io.load(self.write(document)))[0]

    def timed(self):
        document = made_result()
        for result in document["results"]:
            result["metrics"]["harness_timer_cost_ns"] = metric(20.0, "ns", "none")
        return document

    def test_what_the_replay_costs_is_said_where_times_were_taken(self):
        said = "The replay itself costs 1 ns an event; a latency window holds 20 ns of timer."
        self.assertIn(said, self.markdown(self.timed()))
        for key in ("harness_cost_per_event_ns", "harness_timer_cost_ns"):
            document = self.timed()
            for result in document["results"]:
                del result["metrics"][key]
            text = self.markdown(document)
            self.assertIn("| peak_resident_pages |", text)
            self.assertNotIn("The replay itself", text)

    def test_footprints_are_also_multiples_of_the_floor(self):
        document = self.timed()
        self.assertNotIn("the floor", self.markdown(document))
        for result, multiple in zip(document["results"], (1.5, None), strict=True):
            result["metrics"]["peak_resident_pages"].update(value=3.0, of_floor=multiple)
        self.assertIn("| peak_resident_pages | pages | 3 (1.500 x the floor) | 3 |",
                      self.markdown(document))

    def test_a_comparison_of_what_is_not_there_is_refused(self):
        for change in ({"subject": "nobody"}, {"metrics": {"x": {"interval": None}}}):
            document = self.timed()
            document["comparison"][0].update(change)
            with self.assertRaisesRegex(results_io.ResultError, "made.json: incomplete"):
                self.markdown(document)


class Cumulative(unittest.TestCase):
    def test_each_bucket_adds_up_at_its_upper_end(self):
        import plot_latency
        histogram = results_io.Histogram("ns", [0, 10, 20], [10, 20, 40], [5, 0, 5])
        self.assertEqual(plot_latency.cumulative(histogram), ([10, 40], [0.5, 0.95]))

    def test_nines(self):
        import plot_latency
        for fraction, expected in ((0.0, 0), (0.9, 1), (0.99, 2), (0.999, 3)):
            self.assertAlmostEqual(plot_latency.nines(fraction), expected)


if __name__ == "__main__":
    unittest.main()
