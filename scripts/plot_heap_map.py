#!/usr/bin/env python3
"""Draws heap maps: every page that an allocator holds, in the order of addresses, by the share of live
bytes on it; one panel a map."""

import math
import sys

import figure
from results_io import ResultError

COLUMNS = 128  # pages in a row
NOT_RESIDENT = 1.5  # beyond any share
FREE = "#D55E00"


def cells(heap) -> list[float]:
    """The share of live bytes of each page, ascending by address; 0 of those without."""
    shares = {address: live / heap.page_size_bytes if resident else NOT_RESIDENT
              for address, live, resident in zip(heap.address, heap.live_bytes, heap.resident)}
    for start, pages in heap.free_runs:
        shares.update((start + i * heap.page_size_bytes, 0.0) for i in range(pages))
    return [shares[address] for address in sorted(shares)]


def draw(results, lines):
    panels = [(label, heap) for label, _, entry in lines for heap in entry.heap_maps]
    if not panels:
        raise ResultError("no heap map in these results")
    colours = figure.plt.get_cmap("viridis").with_extremes(under=FREE, over="0.85", bad="white")
    rows = [max(1, math.ceil(len(cells(heap)) / COLUMNS)) for _, heap in panels]
    chart, axes = figure.plt.subplots(
        len(panels), 1, squeeze=False, height_ratios=[max(r, max(rows) / 8) for r in rows],
        figsize=(8, min(30.0, 1.2 * len(panels) + sum(rows) / 12 + 1)))
    for panel, (label, heap), height in zip(axes.flat, panels, rows):
        shares = cells(heap)
        grid = shares + [math.nan] * (height * COLUMNS - len(shares))
        image = panel.imshow([grid[r * COLUMNS:(r + 1) * COLUMNS] for r in range(height)],
                             cmap=colours, vmin=1e-9, vmax=1.0, aspect="auto",
                             interpolation="nearest")
        free = sum(pages for _, pages in heap.free_runs)
        held = free + sum(heap.resident)
        panel.set_title(f"{label}, after {heap.event:,} events: {held:,} pages held, {free:,} free, "
                        f"{len(heap.sparse_pages):,} sparse", fontsize=9)
        panel.set_ylabel(f"rows of {COLUMNS} pages", fontsize=8)
        panel.grid(False)
    bar = chart.colorbar(image, ax=list(axes.flat), extend="both", fraction=0.04)
    bar.set_label("share of live bytes on the page (arrow down: none; up: not resident)")
    chart.suptitle(f"Heap map: {figure.trace_title(results)}")
    return chart


def main(argv=None) -> int:
    return figure.run("plot_heap_map", draw, argv, __doc__,
                      "examples:\n  scripts/replay -t traces/redis.trace --threads 1 -r 1 "
                      "--heap-map peak -o r.json\n  scripts/plot_heap_map.py r.json -o heap")


if __name__ == "__main__":
    sys.exit(main())
