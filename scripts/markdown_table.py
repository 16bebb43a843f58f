#!/usr/bin/env python3
"""Prints result documents as GitHub-flavoured Markdown: one table for each comparison.

Every metric that has a direction is shown, won or lost, with both figures, the ratio of subject to
baseline, its 95 % interval and the verdict. Beside a footprint stands what multiple of the floor it
is, where that is known.
"""

import argparse
import math
import pathlib
import sys

import results_io


def short(value: float) -> str:
    """Three digits that matter, with a prefix from 10 000 on."""
    if math.isnan(value):
        return "–"
    prefixes = ["", " k", " M", " G", " T"]
    while abs(value) >= 10000 and len(prefixes) > 1:
        value /= 1000
        prefixes.pop(0)
    size = abs(value)
    digits = 0 if value == int(value) else 3 if size < 1 else 2 if size < 10 else 1 if size < 100 else 0
    return f"{value:.{digits}f}{prefixes[0]}"


def ratio_text(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.3f}"


def figure_text(metric: results_io.Metric) -> str:
    text = short(metric.value)
    return text if metric.of_floor is None else f"{text} ({metric.of_floor:.3f} x the floor)"


def table(result: results_io.Result, comparison: dict) -> str:
    def side(name: str) -> results_io.AllocatorResult:
        return next(r for r in result.results
                    if (r.allocator, r.binding) == (name, comparison["binding"]))

    baseline, subject = side(comparison["baseline"]), side(comparison["subject"])
    lines = [
        f"`{subject.allocator}` against `{baseline.allocator}` ({comparison['binding']}), "
        f"`{pathlib.PurePath(result.trace_path).name}`, "
        f"{result.config['repetitions']} repetitions, touch {result.config['touch']}:",
        "",
        f"| metric | unit | {baseline.allocator} | {subject.allocator} | ratio | 95 % interval "
        "| verdict |",
        "|---|---|---:|---:|---:|---|---|",
    ]
    for key, figure in comparison["metrics"].items():
        interval = figure["interval"]
        between = "–" if interval is None else " to ".join(map(ratio_text, interval))
        lines.append(
            f"| {key} | {subject.metrics[key].unit} | {figure_text(baseline.metrics[key])} "
            f"| {figure_text(subject.metrics[key])} | {ratio_text(figure['ratio'])} "
            f"| {between} | {figure['verdict']} |")
    harness, timer = (subject.metrics.get(f"harness_{what}_ns")
                      for what in ("cost_per_event", "timer_cost"))
    if harness and timer:  # times were taken
        lines += ["", f"The replay itself costs {harness.value:.3g} ns an event; a latency window "
                      f"holds {timer.value:.3g} ns of timer."]
    return "\n".join(lines)


def tables(result: results_io.Result) -> list[str]:
    try:
        return [table(result, comparison) for comparison in result.comparison]
    except (KeyError, StopIteration) as error:
        raise results_io.ResultError(
            f"{result.source}: incomplete or malformed result: {error!r}") from error


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example:\n  scripts/replay --trace traces/redis.trace --allocator mem | "
               "scripts/markdown_table.py -")
    parser.add_argument("results", nargs="+", metavar="RESULT.json", help="result file, - for stdin")
    arguments = parser.parse_args()
    try:
        found = [text for path in arguments.results for text in tables(results_io.load(path))]
    except results_io.ResultError as error:
        print(f"markdown_table.py: {error}", file=sys.stderr)
        return 1
    print("\n\n".join(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
