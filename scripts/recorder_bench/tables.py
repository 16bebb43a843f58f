"""Samples to a table: medians over the rounds, each recorded run beside the plain one of its round."""

import statistics

BEGIN = "<!-- scripts/bench_recorder: begin -->"
END = "<!-- scripts/bench_recorder: end -->"


def figure(value: float) -> str:
    size = abs(value)
    digits = 0 if size >= 100 else 1 if size >= 10 else 2
    return f"{value:,.{digits}f}"


def spread(values: list[float]) -> str:
    """Median, and least to greatest of the rounds."""
    if not values:
        return "–"
    return (f"{figure(statistics.median(values))} ({figure(min(values))} to "
            f"{figure(max(values))})")


def ns_per_event(plain: dict, recorded: dict) -> float:
    """What recording added to an event of a thread."""
    if "ns_per_event" in plain:
        return recorded["ns_per_event"] - plain["ns_per_event"]
    # These have one busy thread, so its CPU time is the time of its events.
    return (recorded["cpu_seconds"] - plain["cpu_seconds"]) * 1e9 / recorded["events"]


def cpu_ratio(plain: dict, recorded: dict) -> float:
    """The recorder's own work while the program runs is in it."""
    return (recorded["cpu_seconds"] + recorded["recorder_seconds"]) / plain["cpu_seconds"]


def slowdown(plain: dict, recorded: dict) -> float:
    key = "ns_per_event" if "ns_per_event" in plain else "seconds"
    return recorded[key] / plain[key]


def table(rows: list[tuple[str, str, list[tuple[dict, dict]]]]) -> str:
    """Rows of (load, mode, [(plain, recorded) of each round])."""
    lines = ["| program | recording | slowdown | CPU time of both | ns per event and thread | "
             "recorder's ns per event | events | spool bytes per event | trace bytes per event |",
             "|---|---|---:|---:|---:|---:|---:|---:|---:|"]
    for what, mode, pairs in rows:
        if not pairs:
            lines.append(f"| {what} | {mode} | – | – | – | – | – | – | – |")
            continue
        recorded = [each for _, each in pairs]
        lines.append(
            f"| {what} | {mode} | {spread([slowdown(*pair) for pair in pairs])} "
            f"| {figure(statistics.median(cpu_ratio(*pair) for pair in pairs))} "
            f"| {spread([ns_per_event(*pair) for pair in pairs])} "
            f"| {figure(statistics.median(r['recorder_seconds'] * 1e9 / r['events'] for r in recorded))} "
            f"| {statistics.median(r['events'] for r in recorded) / 1e6:.2f} M "
            f"| {figure(statistics.median(r['spool_bytes'] / r['events'] for r in recorded))} "
            f"| {figure(statistics.median(r['trace_bytes'] / r['events'] for r in recorded))} |")
    return "\n".join(lines)
