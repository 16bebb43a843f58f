"""Tests mirror sources: core/mem/x.h is tested by tests/unit/core/mem/x_test.cc, and each unit test
has its source. What is excepted stands below with the reason."""

import fnmatch
import pathlib
import unittest

import source_tree

# Interfaces and layouts: types and constants without behaviour that a test could break.
DECLARATIONS = [
    "core/alloc/allocator.h",
    "core/allocators/named_heaps.h",
    "core/include/mem.h",
    "core/mem/config.h",
    "core/mem/tuning.h",
    "core/os/page_source.h",
    "replay/engine/explained_call.h",
    "replay/engine/idle.h",
    "replay/engine/memory_call.h",
    "replay/engine/memory_sample.h",
    "replay/engine/snapshot.h",
    "replay/engine/soak.h",
    "replay/metrics/groups.h",
    "replay/metrics/metric.h",
    "replay/report/build_info.h",
    "replay/trace/error.h",
    "replay/trace/event.h",
    "replay/trace/event_sink.h",
    "replay/trace/exporters/exporter.h",
    "replay/trace/exporters/formats.h",
    "replay/trace/format.h",
    "replay/trace/header.h",
    "replay/trace/importers/formats.h",
    "replay/trace/importers/importer.h",
]

# Parts of something larger, entry points and whole programs: another test runs them.
TESTED_BY = {
    "core/allocators/classic_heap.cc": "tests/unit/core/alloc/registry_test.cc",
    "core/allocators/default_heap.cc": "tests/unit/core/alloc/registry_test.cc",
    "core/allocators/registry.cc": "tests/unit/core/alloc/registry_test.cc",
    "replay/engine/memory_worker.*": "tests/unit/replay/engine/memory_pass_test.cc",
    "replay/engine/counters_worker.*": "tests/unit/replay/engine/launcher_test.cc",
    "replay/engine/staged_pace.h": "tests/cli/replay_test.py",
    "core/dropin/*.cc": "tests/dropin/*_test.*",
    "core/dropin/stats_report.h": "tests/dropin/settings_test.py",
    "core/allocators/default_heap.h": "tests/dropin/*_test.*",
    "core/mem/block_heap_impl.h": "tests/unit/core/mem/block_heap_test.cc",
    "core/mem/mem_heap.cc": "tests/unit/core/mem/mem_heap_test.cc",
    "core/mem/mem_heap_impl.h": "tests/unit/core/mem/mem_heap_test.cc",
    "core/mem/mem_heap_large_impl.h": "tests/unit/core/mem/mem_heap_test.cc",
    "core/mem/run_heap_*_impl.h": "tests/unit/core/mem/run_heap_impl_test.cc",
    "core/mem/slab_heap_impl.h": "tests/unit/core/mem/slab_heap_test.cc",
    "core/mem/slab_heap_discard_impl.h": "tests/unit/core/mem/slab_heap_fit_impl_test.cc",
    "core/mem/stats.h": "tests/unit/core/mem/mem_heap_test.cc",
    "replay/engine/call_counts.h": "tests/unit/replay/engine/run_file_test.cc",
    "replay/cli/cost_options.*": "tests/cli/cost_test.py",
    "replay/cli/memory_options.*": "tests/cli/memory_test.py",
    "replay/cli/memory_runs.*": "tests/cli/memory_test.py",
    "replay/cli/explain.*": "tests/cli/latency_test.py",
    "replay/cli/command.*": "tests/cli/replay_test.py",
    "replay/cli/ab.cc": "tests/cli/verdict_test.py",
    "replay/cli/compare.cc": "tests/cli/verdict_test.py",
    "replay/cli/corpus.cc": "tests/cli/corpus_test.py",
    "replay/cli/anonymise.cc": "tests/cli/toolbox_test.py",
    "replay/cli/diff.cc": "tests/cli/toolbox_test.py",
    "replay/cli/filter.cc": "tests/cli/toolbox_test.py",
    "replay/cli/floor*": "tests/cli/floor_test.py",
    "replay/cli/inspect*": "tests/cli/inspect_test.*",
    "replay/cli/convert.cc": "tests/cli/convert_test.py",
    "replay/cli/generate*": "tests/cli/generate_test.*",
    "replay/cli/list.cc": "tests/cli/replay_test.py",
    "replay/cli/merge.cc": "tests/cli/toolbox_test.py",
    "replay/cli/progress_bar.*": "tests/cli/replay_test.py",
    "replay/cli/read_progress.*": "tests/cli/toolbox_test.py",
    "replay/cli/record.cc": "tests/cli/record_test.*",
    "replay/cli/repair.cc": "tests/cli/toolbox_test.py",
    "replay/cli/rewrite_job.*": "tests/cli/toolbox_test.py",
    "replay/cli/standard_input.*": "tests/cli/replay_test.py",
    "replay/cli/slice.cc": "tests/cli/toolbox_test.py",
    "replay/cli/validate.cc": "tests/cli/toolbox_test.py",
    "replay/cli/replay.cc": "tests/cli/replay_test.py",
    "replay/cli/replay_options.*": "tests/cli/replay_test.py",
    "replay/engine/plan_compiler.*": "tests/unit/replay/engine/plan_test.cc",
    "replay/engine/plan_front.h": "tests/unit/replay/engine/plan_feed_test.cc",
    "replay/engine/plan_layout.h": "tests/unit/replay/engine/plan_test.cc",
    "replay/engine/run_layout.h": "tests/unit/replay/engine/launcher_test.cc",
    "replay/engine/timer.h": "tests/unit/replay/engine/hot_loop_test.cc",
    "replay/engine/unique_fd.h": "tests/unit/replay/engine/launcher_test.cc",
    "replay/engine/worker_main.cc": "tests/unit/replay/engine/launcher_test.cc",
    "replay/gen/asymmetric.cc": "tests/unit/replay/gen/generator_test.cc",
    "replay/gen/churn.h": "tests/unit/replay/gen/generator_test.cc",
    "replay/gen/comb.cc": "tests/unit/replay/gen/generator_test.cc",
    "replay/gen/copy.cc": "tests/unit/replay/gen/model_test.cc",
    "replay/gen/edges.cc": "tests/unit/replay/gen/generator_test.cc",
    "replay/gen/growth.cc": "tests/unit/replay/gen/generator_test.cc",
    "replay/gen/larson.cc": "tests/unit/replay/gen/generator_test.cc",
    "replay/gen/list.cc": "tests/unit/replay/gen/generator_test.cc",
    "replay/gen/phases.cc": "tests/unit/replay/gen/generator_test.cc",
    "replay/gen/pinned.cc": "tests/unit/replay/gen/generator_test.cc",
    "replay/gen/producer_consumer.cc": "tests/unit/replay/gen/generator_test.cc",
    "replay/gen/requests.cc": "tests/unit/replay/gen/generator_test.cc",
    "replay/gen/robson_best_fit.cc": "tests/unit/replay/gen/robson_first_fit_test.cc",
    "replay/gen/steady.cc": "tests/unit/replay/gen/generator_test.cc",
    "replay/gen/warehouse.cc": "tests/unit/replay/gen/generator_test.cc",
    "replay/main.cc": "tests/cli/replay_test.py",
    "replay/record/preload/*": "tests/cli/record_test.*",
    "replay/record/program.*": "tests/cli/record_test.*",
    "replay/record/recording.*": "tests/cli/record_test.*",
    "replay/report/verdict_*.cc": "tests/unit/replay/report/verdict_report_test.cc",
    "replay/trace/importers/decompress.*": "tests/unit/replay/trace/importers/byte_stream_test.cc",
    "replay/trace/only_if.h": "tests/unit/replay/trace/block_decoder_test.cc",
    "replay/trace/trace_start.*": "tests/unit/replay/trace/reader_test.cc",
    "replay/trace/little_endian.h": "tests/unit/replay/trace/header_codec_test.cc",
}


def untested(root, files, declarations, tested_by) -> list[str]:
    found = []
    for file in files:
        test = pathlib.PurePosixPath("tests/unit", file).with_suffix("")
        if file in declarations or (root / f"{test}_test.cc").exists():
            continue
        others = [other for pattern, other in tested_by.items() if fnmatch.fnmatch(file, pattern)]
        if not others:
            found.append(f"{file}: {test}_test.cc is missing")
        found += [f"{file}: {other} is missing" for other in others if not any(root.glob(other))]
    return found


def orphans(root, files) -> list[str]:
    tested = {file.rpartition(".")[0] for file in files}
    return [f"{test}: no source of that name"
            for test in source_tree.sources(root, "tests/unit")
            if test.endswith("_test.cc")
            and test[len("tests/unit/"):-len("_test.cc")] not in tested]


def violations(root, declarations=(), tested_by=None) -> list[str]:
    files = source_tree.sources(root, "core", "replay")
    tested_by = tested_by or {}
    stale = [f"{pattern}: excepted, but there is no such file"
             for pattern in [*declarations, *tested_by] if not fnmatch.filter(files, pattern)]
    return untested(root, files, declarations, tested_by) + orphans(root, files) + stale


class Mirror(unittest.TestCase):
    def found(self, files: list[str], **exceptions) -> list[str]:
        return source_tree.found_in(lambda root: violations(root, **exceptions),
                                    {name: "" for name in files})

    def test_the_tree_keeps_to_it(self):
        source_tree.assert_none(self, violations(source_tree.ROOT, DECLARATIONS, TESTED_BY))

    def test_one_test_serves_a_header_and_its_source(self):
        self.assertEqual(self.found(["core/os/a.h", "core/os/a.cc", "tests/unit/core/os/a_test.cc"]),
                         [])

    def test_a_source_without_a_test_is_found(self):
        self.assertEqual(self.found(["core/os/a.h"]),
                         ["core/os/a.h: tests/unit/core/os/a_test.cc is missing"])
        self.assertEqual(self.found(["replay/cli/a.cc", "tests/unit/replay/a_test.cc"])[0],
                         "replay/cli/a.cc: tests/unit/replay/cli/a_test.cc is missing")

    def test_a_test_without_a_source_is_found(self):
        self.assertEqual(self.found(["tests/unit/core/os/a_test.cc"]),
                         ["tests/unit/core/os/a_test.cc: no source of that name"])

    def test_an_exception_needs_its_file_and_the_test_that_it_names(self):
        self.assertEqual(self.found(["core/os/a.h"], declarations=["core/os/a.h"]), [])
        self.assertEqual(self.found([], declarations=["core/os/a.h"]),
                         ["core/os/a.h: excepted, but there is no such file"])
        named = {"core/os/a.cc": "tests/cli/a_test.*"}
        self.assertEqual(self.found(["core/os/a.cc", "tests/cli/a_test.py"], tested_by=named), [])
        self.assertEqual(self.found(["core/os/a.cc"], tested_by=named),
                         ["core/os/a.cc: tests/cli/a_test.* is missing"])


if __name__ == "__main__":
    unittest.main()
