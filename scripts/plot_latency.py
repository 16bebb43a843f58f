#!/usr/bin/env python3
"""Draws the distribution of latency, one panel an operation, one curve an allocator; of a paced
replay also that of response times, which run from when a call was due."""

import math
import sys

import figure
from results_io import Histogram, ResultError

# Each step towards the tail is as wide as the one before it: 90 %, 99 %, 99.9 % and so on.
TICKS = [0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999]


def cumulative(histogram: Histogram) -> tuple[list[float], list[float]]:
    """(latency, fraction of calls at most that slow) at each bucket's end.

    The slowest call stands half a call below 100 %, which has no place on the axis of nines.
    """
    total = sum(histogram.count)
    values, fractions, seen = [], [], 0
    for upper, count in zip(histogram.upper, histogram.count):
        if count:
            seen += count
            values.append(max(upper, 1.0))  # a logarithmic axis has no 0
            fractions.append(min(seen, total - 0.5) / total)
    return values, fractions


def nines(fraction: float) -> float:
    """Where a fraction stands on the axis of nines: 0 is 0, 0.9 is 1, 0.99 is 2."""
    return -math.log10(1.0 - fraction)


def curves(lines) -> list[tuple[str, dict[str, Histogram]]]:
    """(label, histogram of each operation) of all that is drawn."""
    found = []
    for label, _, entry in lines:
        found.append((label, entry.latency))
        if entry.response:
            found.append((f"{label}, response", entry.response))
    return found


def draw(results, lines):
    drawn = curves(lines)
    operations = sorted({op for _, histograms in drawn for op, h in histograms.items()
                         if sum(h.count)})
    if not operations:
        raise ResultError("no latency histogram in these results")
    columns = min(2, len(operations))
    rows = -(-len(operations) // columns)
    chart, axes = figure.plt.subplots(rows, columns, squeeze=False, sharex=True, sharey=True,
                                      figsize=(5.5 * columns, 3.4 * rows + 0.6))
    panels = list(axes.flat)
    for panel, operation in zip(panels, operations):
        for index, (label, histograms) in enumerate(drawn):
            histogram = histograms.get(operation)
            if histogram is None or not sum(histogram.count):
                continue
            values, fractions = cumulative(histogram)
            panel.step([values[0], *values], [0.0, *map(nines, fractions)], where="post",
                       label=f"{label}, {sum(histogram.count):,} calls", **figure.style(index))
        panel.set_title(operation)
        panel.set_xscale("log")
        panel.set_ylim(bottom=0)
        panel.set_yticks([nines(t) for t in TICKS], [f"{t * 100:.8g} %" for t in TICKS])
        panel.set_xlabel("latency [ns]")
        panel.set_ylabel("calls at most that slow")
        panel.tick_params(labelbottom=True, labelleft=True)
        panel.legend(loc="best", fontsize=8)
    for panel in panels[len(operations):]:
        panel.set_visible(False)
    chart.suptitle(f"Latency per call: {figure.trace_title(results)}")
    return chart


def main(argv=None) -> int:
    return figure.run("plot_latency", draw, argv, __doc__,
                      "examples:\n  scripts/plot_latency.py result.json -o latency\n"
                      "  scripts/plot_latency.py before.json after.json -o latency.svg")


if __name__ == "__main__":
    sys.exit(main())
