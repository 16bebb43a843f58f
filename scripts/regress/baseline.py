"""results/baseline: one JSON file a trace, of figures that repeat from run to run.

{"schema": "allocreplay-baseline", "schema_version": "1.0", "trace": {"name", "sha256"},
 "context": {...}, "figures": {allocator: {metric: value}}}

Footprints and system calls repeat on one kernel and glibc; instructions on one processor and
compiler too, within the tolerance below. The context says what they were measured with.
Instructions are counted by callgrind, also where the hardware could: the two do not compare.

Measured without huge pages: whether the kernel has one at hand, and how fast, is chance. And by one
thread, for which of several comes first is chance too.
"""

import ctypes
import hashlib
import json
import pathlib
import tempfile

import results_io
from peer_bench import processes
from peer_bench.processes import ROOT
from peer_bench.tables import TableError, table, write_whole

SCHEMA, VERSION = "allocreplay-baseline", "1.0"
FOLDER = ROOT / "results/baseline"
# Not what is resident at the end, nor madvise: what mem gives back depends on the clock. So do its
# pages at the most, a little; with --cost the clock follows the plan, but that is of fewer events.
BY_THE_CLOCK = ("peak_resident_pages", "total_pages_at_peak_live")
FOOTPRINTS = (*BY_THE_CLOCK, "peak_mapped_pages", "calls_mmap", "calls_munmap", "calls_mremap",
              "calls_mprotect", "calls_brk")
COST_PREFIX = "cost_"
ALLOCATORS = ("glibc", "mem")
TOLERANCE = 0.005  # of the figure, and never less than LEAST
TOLERANCE_BY_THE_CLOCK = 0.02  # runs of sqlite on one machine differ by 0.6 %
LEAST = {"pages": 4, "calls": 1}
PR_SET_THP_DISABLE = 41  # linux/prctl.h
_libc = ctypes.CDLL(None, use_errno=True)


def without_huge_pages() -> None:
    """For this process and its children, prctl(2)."""
    if _libc.prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_THP_DISABLE)")


def replay(binary: pathlib.Path, trace: pathlib.Path, *options: str) -> results_io.Result:
    """What two repetitions with these options found, of glibc and mem."""
    with tempfile.TemporaryDirectory(prefix="ci_regress-") as folder:
        target = pathlib.Path(folder) / "r.json"
        processes.run([binary, "-q", "-t", trace, "-a", "mem", "-r", "2", "--threads", "1",
                       "-o", target, *options],
                      600, processes.environment(), preexec_fn=without_huge_pages)
        return results_io.load(str(target))


def measure(binary: pathlib.Path, name: str) -> dict:
    """The document of one trace, measured now."""
    trace = ROOT / f"traces/{name}.trace"
    held = replay(binary, trace)
    cost = replay(binary, trace, "--cost", "instructions", "--cost-by", "callgrind")
    figures: dict = {allocator: {} for allocator in ALLOCATORS}
    units: dict = {}
    for result in (held, cost):
        for row in result.results:
            if row.allocator not in figures:
                continue
            for key, metric in row.metrics.items():
                if metric.better == "lower" and (key in FOOTPRINTS or key.startswith(COST_PREFIX)):
                    figures[row.allocator].setdefault(key, metric.value)
                    units[key] = metric.unit
    host, libraries = held.context["host"], held.context["libraries"]
    return {"schema": SCHEMA, "schema_version": VERSION,
            "trace": {"name": name, "sha256": hashlib.sha256(trace.read_bytes()).hexdigest()},
            "context": {"cpu": host["cpu"], "kernel": host["kernel"], "glibc": libraries["glibc"],
                        "page_size_bytes": host["page_size_bytes"],
                        "transparent_huge_pages": host["transparent_huge_pages"],
                        "compiler": held.context["build"]["compiler"],
                        "counted_by": cost.config["cost"]["counted_by"]},
            "units": dict(sorted(units.items())), "figures": figures}


def path_of(name: str) -> pathlib.Path:
    return FOLDER / f"{name}.json"


def load(name: str) -> dict | None:
    path = path_of(name)
    if not path.exists():
        return None
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TableError(f"{path}: not JSON: {error}") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise TableError(f"{path}: not a baseline (no \"schema\": \"{SCHEMA}\")")
    if str(document.get("schema_version")).split(".")[0] != VERSION.split(".")[0]:
        raise TableError(f"{path}: schema version {document.get('schema_version')} is unknown; "
                         "this reads 1.x")
    return document


def save(document: dict) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_whole(path_of(document["trace"]["name"]), json.dumps(document, indent=2) + "\n")


def incomparable(old: dict, new: dict) -> str | None:
    """Why the figures say nothing about each other, if they do not."""
    if old["trace"]["sha256"] != new["trace"]["sha256"]:
        return "the baseline is of another trace"
    before, after = (one["context"].get("counted_by") for one in (old, new))
    if before != after:
        return (f"the baseline's instructions were counted by {before or 'who knows what'}, not by "
                f"{after}")
    return None


def tolerance_of(key: str) -> float:
    return TOLERANCE_BY_THE_CLOCK if key in BY_THE_CLOCK else TOLERANCE


def differences(old: dict, new: dict) -> list[tuple]:
    """[(allocator, metric, unit, old, new, "more" | "less" | "within" | "new" | "gone")]"""
    rows = []
    for allocator in ALLOCATORS:
        before, after = old["figures"].get(allocator, {}), new["figures"].get(allocator, {})
        for key in [*after, *(key for key in before if key not in after)]:
            a, b = before.get(key), after.get(key)
            unit = new["units"].get(key) or old["units"].get(key, "")
            if a == b:
                continue
            if a is None or b is None:
                kind = "new" if a is None else "gone"
            elif abs(b - a) <= max(tolerance_of(key) * abs(a), LEAST.get(unit, 0)):
                kind = "within"
            else:
                kind = "more" if b > a else "less"
            rows.append((allocator, key, unit, a, b, kind))
    return rows


def context_changes(old: dict, new: dict) -> list[str]:
    return [f"{key}: {old['context'].get(key)} -> {value}"
            for key, value in new["context"].items() if old["context"].get(key) != value]


def _figure(value) -> str:
    return "–" if value is None else f"{value:,.10g}"


def markdown(name: str, rows: list[tuple]) -> str:
    if not rows:
        return f"`{name}`: all figures as in results/baseline.\n"
    cells = []
    for allocator, key, unit, old, new, kind in rows:
        change = f"{(new / old - 1) * 100:+.2f} %" if old and new is not None else "–"
        kind = {"more": "**more**"}.get(kind, kind)
        cells.append([f"{allocator}: {key}", unit, _figure(old), _figure(new), change, kind])
    return f"`{name}`:\n\n" + table(["figure", "unit", "baseline", "now", "change", ""], cells,
                                    texts=2) + "\n"


def regressions(rows: list[tuple]) -> int:
    """Of mem: glibc's figures are there to tell a changed machine from a changed allocator."""
    return sum(kind == "more" and allocator == "mem" for allocator, *_, kind in rows)


def gone(rows: list[tuple]) -> int:
    """Figures of mem that nothing stands in for: whether they are worse, nobody knows."""
    return sum(kind == "gone" and allocator == "mem" for allocator, *_, kind in rows)
