"""From raw samples to the result document: medians, ratios to glibc, the best peer, means.

Everything is better when lower. A figure that could not be measured is null with a reason in
`missing`, never a number.
"""

import collections
import datetime
import math
import os
import pathlib
import platform
import statistics

from peer_bench.allocators import BASELINE, SUBJECT
from peer_bench.processes import ROOT, Failure, run
from peer_bench.suites import Metric

SCHEMA = "allocreplay-peers"
VERSION = "1.0"


def geometric_mean(values: list[float]) -> float | None:
    """None if there are none, or if one is not above zero."""
    if not values or any(not value > 0 for value in values):
        return None
    return math.exp(sum(map(math.log, values)) / len(values))


def ratio(value: float | None, base: float | None) -> float | None:
    if value is None or base is None or not value > 0 or not base > 0:
        return None
    return value / base


def _round_ratios(samples: dict, rounds: int, subject: str, other: str) -> list[float]:
    """subject / other in each round that has both."""
    both = [(samples[subject].get(i), samples[other].get(i)) for i in range(rounds)]
    return [r for r in (ratio(a, b) for a, b in both) if r is not None]


def row(suite: str, name: str, metric: Metric, allocators, samples: dict, missing: dict,
        rounds: int) -> dict:
    """One figure of one job; `samples` is {allocator: {round: value}}."""
    values = {a.name: statistics.median(samples[a.name].values())
              if not missing.get(a.name) and samples.get(a.name) else None for a in allocators}
    base = values.get(BASELINE)
    peers = {a.name: values[a.name] for a in allocators
             if a.kind == "peer" and values[a.name] is not None}
    best = min(peers, key=peers.get) if peers else None
    mine = values.get(SUBJECT)
    spread = _round_ratios(samples, rounds, SUBJECT, best) if best and mine is not None else []
    return {
        "suite": suite, "name": name, "metric": metric.key, "what": metric.what,
        "unit": metric.unit, "better": "lower", "group": metric.group, "values": values,
        "ratios": {name: ratio(value, base) for name, value in values.items()},
        "missing": {name: why for name, why in missing.items() if why},
        "best_peer": best, "mem_over_best_peer": ratio(mine, peers.get(best)),
        "mem_over_best_peer_rounds": [min(spread), max(spread)] if spread else None,
        "mem_over_glibc": ratio(mine, base),
        "samples": {a.name: [samples.get(a.name, {}).get(i) for i in range(rounds)]
                    for a in allocators}}


def _collect(job, allocators, rounds: int, state, scale: str):
    """({allocator: {round: values}}, {allocator: why there are none})"""
    found, missing = {}, {}
    for allocator in allocators:
        name = allocator.name
        entries = {i: state.samples[key] for i in range(rounds)
                   if (key := (scale, job.suite, job.name, name, i)) in state.samples}
        found[name] = {i: entry["values"] for i, entry in entries.items() if "values" in entry}
        errors = [entry["error"] for entry in entries.values() if "error" in entry]
        if not job.takes(allocator):
            missing[name] = "no floor"
        elif allocator.missing or job.missing:
            missing[name] = allocator.missing or job.missing
        elif errors:
            missing[name] = f"failed: {errors[0]}"
        elif not found[name]:
            missing[name] = "not measured"
    return found, missing


def _scaling(jobs, allocators, rounds: int, state, scale: str) -> list[dict]:
    """What a second thread costs the first: the ratio of two patterns' times, round by round."""
    by_name = {job.name: job for job in jobs if job.suite == "micro"}
    parts = [by_name.get(name) for name in ("local-1-thread", "local-2-threads")]
    if None in parts:
        return []
    (one, missing_one), (two, missing_two) = (_collect(job, allocators, rounds, state, scale)
                                              for job in parts)
    samples = {name: {i: two[name][i]["ns"] / values["ns"] for i, values in by_round.items()
                      if i in two[name]} for name, by_round in one.items()}
    metric = Metric("scaling", "time of 2 threads / time of 1", "")
    return [row("micro", "local", metric, allocators, samples, missing_one | missing_two, rounds)]


def rows(jobs, allocators, rounds: int, state, scale: str) -> list[dict]:
    result = []
    for job in jobs:
        found, missing = _collect(job, allocators, rounds, state, scale)
        for metric in job.metrics:
            samples = {name: {i: v[metric.key] for i, v in by_round.items() if metric.key in v}
                       for name, by_round in found.items()}
            result.append(row(job.suite, job.name, metric, allocators, samples, missing, rounds))
    return result + _scaling(jobs, allocators, rounds, state, scale)


def groups(rows_: list[dict], allocators) -> list[dict]:
    """Geometric means of each group's ratios to glibc; an allocator that lacks a row has none."""
    result = []
    for group in dict.fromkeys(r["group"] for r in rows_ if r["group"]):
        members = [r for r in rows_ if r["group"] == group and r["ratios"].get(BASELINE)]
        means = {a.name: geometric_mean([r["ratios"][a.name] or 0 for r in members])
                 for a in allocators}
        best_of_each = geometric_mean([r["ratios"][r["best_peer"]] or 0 if r["best_peer"] else 0
                                       for r in members])
        peers = {a.name: means[a.name] for a in allocators
                 if a.kind == "peer" and means[a.name] is not None}
        best = min(peers, key=peers.get) if peers else None
        result.append({"group": group, "rows": len(members), "means": means, "best_peer": best,
                       "best_peer_of_each_row": best_of_each,
                       "mem_over_best_peer": ratio(means.get(SUBJECT), peers.get(best)),
                       "mem_over_best_peer_of_each_row": ratio(means.get(SUBJECT), best_of_each)})
    return result


def measured_apart(jobs, allocators, rounds: int, state, scale: str) -> list[str]:
    """The allocators that in some row were measured by another call than most of the others."""
    apart = set()
    for job in jobs:
        for i in range(rounds):
            keys = {a.name: (scale, job.suite, job.name, a.name, i) for a in allocators}
            sessions = {name: state.samples[key].get("session") for name, key in keys.items()
                        if key in state.samples}
            usual = collections.Counter(sessions.values()).most_common(1)
            apart |= {name for name, session in sessions.items() if session != usual[0][0]}
    return sorted(apart)


def first_value(path: str, key: str) -> str | None:
    try:
        lines = pathlib.Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), None)


def context(scale: str, rounds: int, suites: list[str], apart: list[str]) -> dict:
    def git(*words):
        try:
            # With the caller's variables: git may read here only by what stands in his settings.
            return run(["git", "-C", ROOT, *words], 30, dict(os.environ)).strip()
        except Failure:
            return None
    changes = git("status", "--porcelain", "--untracked-files=no")
    memory = first_value("/proc/meminfo", "MemTotal")
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "scale": scale, "rounds": rounds, "suites": suites, "measured_apart": apart,
        "git_revision": git("rev-parse", "--short=12", "HEAD"),
        "git_changed": None if changes is None else bool(changes),
        "host": {"cpu": first_value("/proc/cpuinfo", "model name"),
                 "logical_cpus": os.cpu_count(),
                 "memory_bytes": int(memory.split()[0]) * 1024 if memory else None,
                 "kernel": platform.release(), "machine": platform.machine(),
                 "load_average": os.getloadavg()[0]}}


def document(jobs, allocators, rounds: int, state, scale: str, suites: list[str],
             command: str) -> dict:
    rows_ = rows(jobs, allocators, rounds, state, scale)

    def described(a):
        return {"name": a.name, "kind": a.kind, "library": a.library.name if a.library else None,
                "sha256": a.fingerprint() or None, "package": a.package, "version": a.version,
                "missing": a.missing}
    return {"schema": SCHEMA, "schema_version": VERSION,
            "context": {"command": command,
                        **context(scale, rounds, suites,
                                  measured_apart(jobs, allocators, rounds, state, scale))},
            "allocators": [described(a) for a in allocators], "rows": rows_,
            "groups": groups(rows_, allocators)}
