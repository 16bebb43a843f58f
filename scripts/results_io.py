#!/usr/bin/env python3
"""Reads result documents; the only place in scripts/ that knows their JSON.

Refuses another schema or an unknown major version, ignores keys that it does not know, and reads
null as NaN where a number belongs. As a program it validates files against the JSON schema.
"""

import argparse
import json
import math
import pathlib
import sys
from dataclasses import dataclass, field

SCHEMA = "allocreplay-result"
MAJOR = 1
SCHEMA_FILE = pathlib.Path(__file__).resolve().parent.parent / "results/schema/result-v1.schema.json"


class ResultError(Exception):
    """A document that cannot be used; the message says which and why."""


@dataclass(frozen=True)
class Metric:
    value: float
    unit: str
    better: str  # "lower", "higher" or "none"
    interval: tuple[float, float] | None
    samples: list[float]
    of_floor: float | None = None  # of a footprint, where the floor is known


@dataclass(frozen=True)
class Histogram:
    """count[i] calls took between lower[i] and upper[i]; empty buckets are left out."""

    unit: str
    lower: list[float]
    upper: list[float]
    count: list[int]


@dataclass(frozen=True)
class Fragmentation:
    """Parallel lists: the state after `event[i]` events."""

    page_size_bytes: int
    event: list[int]
    total_allocated_bytes: list[float]
    total_pages: list[float]
    mapped_pages: list[float]
    ratio: list[float]  # 1 - allocated / held; NaN where nothing is held


@dataclass(frozen=True)
class Memory:
    """Parallel lists: the state after `event[i]` events, in bytes by the keys that are known."""

    event: list[int]
    bytes: dict[str, list[float]]


@dataclass(frozen=True)
class Idle:
    """What is resident at each of the times after the last event; an empty list: not known."""

    after_ms: list[int]
    untrimmed_bytes: list[float]
    trimmed_bytes: list[float]


@dataclass(frozen=True)
class HeapMap:
    """Parallel lists of the pages with a live byte; runs of resident pages without."""

    moment: str
    event: int
    page_size_bytes: int
    address: list[int]
    live_bytes: list[int]
    resident: list[bool]
    free_runs: list[tuple[int, int]]  # address, pages
    sparse_pages: list[dict]


@dataclass(frozen=True)
class AllocatorResult:
    allocator: str
    binding: str
    metrics: dict[str, Metric]
    fragmentation: Fragmentation
    latency: dict[str, Histogram]
    response: dict[str, Histogram]  # of a paced replay
    memory: Memory | None
    idle: Idle | None
    soak_bytes: list[float]  # resident at the end of each turn
    heap_maps: list[HeapMap]  # those that could be made


@dataclass(frozen=True)
class Result:
    source: str
    trace_path: str
    trace_sha256: str
    trace_events: int
    events: tuple[int, int]  # which of them were measured: from the first to before the second
    page_size_bytes: int
    context: dict = field(repr=False)
    config: dict = field(repr=False)
    results: list[AllocatorResult]
    comparison: list[dict]


def _number(value) -> float:
    return math.nan if value is None else value


def _numbers(values) -> list:
    return [_number(v) for v in values]


def _parallel(name: str, lists: list[list]) -> None:
    if len({len(one) for one in lists}) > 1:
        raise ResultError(f"the lists of series.{name} differ in length")


def _metric(raw: dict) -> Metric:
    interval = raw["interval"]
    return Metric(_number(raw["value"]), raw["unit"], raw["better"],
                  tuple(_numbers(interval)) if interval else None, _numbers(raw["samples"]),
                  raw.get("of_floor"))


NO_FRAGMENTATION = {"page_size_bytes": 0, "event": [], "total_allocated_bytes": [],
                    "total_pages": [], "mapped_pages": [], "fragmentation": []}


def _fragmentation(raw: dict) -> Fragmentation:
    lists = [_numbers(raw[key]) for key in ("event", "total_allocated_bytes", "total_pages",
                                            "mapped_pages", "fragmentation")]
    _parallel("fragmentation", lists)
    return Fragmentation(raw["page_size_bytes"], *lists)


def _memory(raw: dict | None) -> Memory | None:
    if raw is None:
        return None
    known = {key: _numbers(raw[key]) for key in raw
             if key.endswith("_bytes") and key != "page_size_bytes"}
    _parallel("memory", [raw["event"], *known.values()])
    return Memory(raw["event"], known)


def _idle(raw: dict | None) -> Idle | None:
    if raw is None:
        return None
    courses = [_numbers(raw.get(key, {}).get("resident_bytes", []))
               for key in ("untrimmed", "trimmed")]
    _parallel("idle", [raw["after_ms"], *filter(None, courses)])
    return Idle(raw["after_ms"], *courses)


def _histograms(name: str, raw: dict) -> dict[str, Histogram]:
    found = {}
    for operation, one in raw.items():
        lists = [_numbers(one[key]) for key in ("lower", "upper", "count")]
        _parallel(f"{name}.{operation}", lists)
        found[operation] = Histogram(one["unit"], *lists)
    return found


def _heap_map(raw: dict) -> HeapMap:
    lists = [raw["pages"][key] for key in ("address", "live_bytes", "resident")]
    _parallel("heap_map.pages", lists)
    return HeapMap(raw["moment"], raw["event"], raw["page_size_bytes"], *lists,
                   [(run["address"], run["pages"]) for run in raw["free_runs"]],
                   raw["sparse_pages"])


def _allocator(raw: dict) -> AllocatorResult:
    series = raw["series"]
    return AllocatorResult(
        raw["allocator"], raw["binding"],
        {key: _metric(metric) for key, metric in raw["metrics"].items()},
        _fragmentation(series.get("fragmentation", NO_FRAGMENTATION)),
        *(_histograms(name, series.get(name, {}))
          for name in ("latency_histogram", "response_histogram")),
        _memory(series.get("memory")), _idle(series.get("idle")),
        _numbers(series.get("soak", {}).get("resident_bytes", [])),
        [_heap_map(one) for one in series.get("heap_map", []) if "absent" not in one])


def check_schema(document, source: str) -> None:
    """Raises ResultError unless `document` names our schema in a major that we can read."""
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise ResultError(f"{source}: not a result of allocreplay (no \"schema\": \"{SCHEMA}\")")
    version = str(document.get("schema_version"))
    if version.split(".")[0] != str(MAJOR):
        raise ResultError(f"{source}: schema version {version} is unknown; this reads {MAJOR}.x")


def read_document(path: str) -> dict:
    """The JSON of a file, or of stdin for "-", its schema and major checked."""
    source = "stdin" if path == "-" else str(path)
    try:
        text = sys.stdin.read() if path == "-" else pathlib.Path(path).read_text(encoding="utf-8")
        document = json.loads(text)
    except OSError as error:
        raise ResultError(f"{source}: {error.strerror}") from error
    except ValueError as error:
        raise ResultError(f"{source}: not JSON: {error}") from error
    check_schema(document, source)
    return document


def load(path: str) -> Result:
    """The result in a file, or on stdin for "-"; ResultError says what is wrong with it."""
    document = read_document(path)
    source = "stdin" if path == "-" else str(path)
    try:
        trace = document["trace"]
        return Result(source, trace["path"], trace["sha256"], trace["events"],
                      (trace["first_event"], trace["last_event"]),
                      document["context"]["host"]["page_size_bytes"], document["context"],
                      document["config"], [_allocator(raw) for raw in document["results"]],
                      document["comparison"])
    except ResultError as error:
        raise ResultError(f"{source}: {error}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise ResultError(f"{source}: incomplete or malformed result: {error!r}") from error


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="Validates result files against results/schema/result-v1.schema.json.",
        epilog="example: scripts/replay --trace traces/small.trace --allocator mem | "
               "scripts/results_io.py -")
    parser.add_argument("files", nargs="+", metavar="FILE", help="a result file; - is stdin")
    parser.add_argument("--schema", default=SCHEMA_FILE, help="another JSON schema")
    options = parser.parse_args(argv)
    import jsonschema  # only here, so that the readers do without it
    try:
        schema = json.loads(pathlib.Path(options.schema).read_text(encoding="utf-8"))
        for path in options.files:
            document = read_document(path)
            jsonschema.validate(document, schema)
    except (ResultError, OSError) as error:
        print(f"results_io: {error}", file=sys.stderr)
        return 1
    except jsonschema.ValidationError as error:
        print(f"results_io: {path}: {error.json_path}: {error.message}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
