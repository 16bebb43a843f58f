#!/usr/bin/env python3
"""Draws memory over the events of a trace, one panel an allocator: bytes requested, usable, resident,
resident without a live byte, in huge pages; with --idle in the result what is held after the load,
with --loop what is held at the end of each turn."""

import sys

import figure
from results_io import ResultError

MIB = 1024 * 1024
SERIES = {  # key: label; the rest is too small to see, or address space
    "requested_bytes": "requested", "usable_bytes": "usable", "resident_bytes": "resident",
    "dirty_free_bytes": "resident, no live byte", "huge_page_bytes": "in huge pages"}


def draw_events(panel, label, memory):
    for index, (key, name) in enumerate(SERIES.items()):
        if key in memory.bytes:
            panel.plot(memory.event, [size / MIB for size in memory.bytes[key]], label=name,
                       **figure.style(index))
    panel.set_title(label, fontsize=9)
    panel.set_xlabel("events replayed")
    panel.xaxis.set_major_formatter(figure.matplotlib.ticker.EngFormatter(sep=""))


def draw_idle(panel, lines):
    for index, (label, _, entry) in enumerate(lines):
        if entry.idle is None:
            continue
        for course, name, marker in ((entry.idle.untrimmed_bytes, "by itself", "o"),
                                     (entry.idle.trimmed_bytes, "after malloc_trim", "v")):
            if course:
                panel.plot(entry.idle.after_ms, [size / MIB for size in course], marker=marker,
                           label=f"{label}, {name}", **figure.style(index))
    panel.set_title("resident after the load", fontsize=9)
    panel.set_xlabel("time since the last event [ms]")


def draw_soak(panel, lines):
    for index, (label, _, entry) in enumerate(lines):
        if entry.soak_bytes:
            panel.plot(range(1, len(entry.soak_bytes) + 1),
                       [size / MIB for size in entry.soak_bytes], label=label,
                       **figure.style(index))
    panel.set_title("resident at the end of each turn", fontsize=9)
    panel.set_xlabel("turn")


def draw(results, lines):
    over_events = [(label, entry.memory) for label, _, entry in lines if entry.memory]
    if not over_events:
        raise ResultError("no memory series in these results")
    panels = [lambda panel, of=one: draw_events(panel, *of) for one in over_events]
    if any(entry.idle for _, _, entry in lines):
        panels.append(lambda panel: draw_idle(panel, lines))
    if any(entry.soak_bytes for _, _, entry in lines):
        panels.append(lambda panel: draw_soak(panel, lines))
    chart, axes = figure.plt.subplots(len(panels), 1, squeeze=False,
                                      figsize=(8, 0.6 + 2.8 * len(panels)))
    for panel, fill in zip(axes.flat, panels):
        fill(panel)
        panel.set_ylabel("memory [MiB]")
        panel.set_ylim(bottom=0)
        panel.legend(loc="best", fontsize=8)
    chart.suptitle(f"Memory: {figure.trace_title(results)}")
    return chart


def main(argv=None) -> int:
    return figure.run("plot_memory", draw, argv, __doc__,
                      "examples:\n  scripts/plot_memory.py result.json -o memory\n"
                      "  scripts/replay -t traces/jq.trace --idle 0,100,1000 -o r.json\n"
                      "  scripts/plot_memory.py r.json -o memory.svg")


if __name__ == "__main__":
    sys.exit(main())
