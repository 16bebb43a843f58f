#!/usr/bin/env python3
"""Draws fragmentation over the events of a trace: bytes asked for against pages held, and the ratio
of the two, one curve an allocator."""

import sys

import figure
from results_io import ResultError

MIB = 1024 * 1024


def draw(results, lines):
    lines = [line for line in lines if line[2].fragmentation.event]
    if not lines:
        raise ResultError("no fragmentation series in these results")
    chart, (memory, ratio) = figure.plt.subplots(2, 1, sharex=True, figsize=(8, 6.5))
    def work(result):
        return result.trace_sha256, result.events

    several = len({work(result) for _, result, _ in lines}) > 1
    asked = set()
    for index, (label, result, entry) in enumerate(lines):
        series, look = entry.fragmentation, figure.style(index)
        if work(result) not in asked:  # the same for every allocator
            asked.add(work(result))
            live = [size / MIB for size in series.total_allocated_bytes]
            name = f" ({figure.trace_title([result])}, {'{}:{}'.format(*result.events)})"
            memory.fill_between(series.event, live, color="0.8",
                                label="asked for and live" + (name if several else ""))
        held = [pages * series.page_size_bytes / MIB for pages in series.total_pages]
        memory.plot(series.event, held, label=f"{label}: held from the kernel", **look)
        ratio.plot(series.event, series.ratio, label=label, **look)
    memory.set_ylabel("memory [MiB]")
    memory.set_ylim(bottom=0)
    memory.legend(loc="best", fontsize=8)
    ratio.set_ylabel("fragmentation\n(1 - allocated / held)")
    # Lazily touched pages can make the ratio negative, and hiding that would lie.
    ratio.set_ylim(min(0.0, ratio.get_ylim()[0]), 1.0)
    ratio.set_xlabel("events replayed")
    ratio.set_xlim(0, max(1, *(entry.fragmentation.event[-1] for _, _, entry in lines)))
    ratio.legend(loc="best", fontsize=8)
    ratio.xaxis.set_major_formatter(figure.matplotlib.ticker.EngFormatter(sep=""))
    chart.suptitle(f"Fragmentation: {figure.trace_title(results)}")
    return chart


def main(argv=None) -> int:
    return figure.run("plot_fragmentation", draw, argv, __doc__,
                      "examples:\n  scripts/plot_fragmentation.py result.json -o fragmentation\n"
                      "  scripts/plot_fragmentation.py before.json after.json -o both.png")


if __name__ == "__main__":
    sys.exit(main())
