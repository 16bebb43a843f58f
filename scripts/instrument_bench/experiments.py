"""What is compared with what. An outcome is {"verdicts": {metric: verdict}, "repetitions": n}."""

import dataclasses
import itertools
import json
import pathlib
import subprocess

from peer_bench.processes import ROOT, Failure, environment, last_line

STATED_ALARMS = 0.05   # of comparisons, any metric
STATED_POWER = 0.9     # of planted faults
TIMEOUT_S = 300


@dataclasses.dataclass(frozen=True)
class Experiment:
    name: str
    what: str                      # shown in the table
    subject: str                   # "glibc", or a library of the build
    baseline: str
    traces: tuple[str, ...]
    comparisons: int               # of all traces together
    planted: str | None = None     # the metric that must be called worse; None: no metric may differ
    options: tuple[str, ...] = ()
    instructions: int | None = None  # that "planted_slow" adds to every call; None: not found out yet

    def jobs(self, count: int | None = None):
        """[(trace, round)], the traces in turn."""
        total = count or self.comparisons
        return [(self.traces[i % len(self.traces)], i // len(self.traces)) for i in range(total)]

    def with_instructions(self, count: int) -> "Experiment":
        return dataclasses.replace(self, instructions=count, what=f"{count} {self.what}")


EXPERIMENTS = [
    Experiment("alike", "glibc against itself, all metrics", "glibc", "glibc",
               ("redis", "sqlite", "cc1plus", "lua", "mariadb"), 30),
    Experiment("slow", "more instructions in every call, two metrics judged, --threshold 1% -r 60",
               "planted_slow", "planted_plain", ("redis",), 20, planted="time_per_event_ns",
               options=("--threshold", "1%", "-r", "60", "-m", "time_per_event_ns", "-m",
                        "peak_resident_pages")),
    Experiment("leak", "2 % more pages, all metrics, --threshold 1%", "planted_leak", "planted_plain",
               ("redis", "sqlite"), 10,
               planted="peak_resident_pages", options=("--threshold", "1%")),
]


def _library(name: str, build: pathlib.Path) -> str:
    return name if name == "glibc" else str(build / "lib" / f"lib{name}.so")


def _run(command: list, **variables: str) -> dict:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          timeout=TIMEOUT_S, check=False, env=environment(**variables))
    if done.returncode not in (0, 3, 4):
        raise Failure(last_line(done.stderr))
    return json.loads(done.stdout)


def compare(experiment: Experiment, trace: str, seed: int, build: pathlib.Path) -> dict:
    """One comparison of real processes."""
    document = _run([build / "bin/allocreplay", "ab", "-q", "-f", "json", "--seed", seed,
                     "-t", ROOT / f"traces/{trace}.trace",
                     "-a", _library(experiment.subject, build),
                     "-b", _library(experiment.baseline, build), *experiment.options],
                    PLANTED_INSTRUCTIONS=str(experiment.instructions or 0))
    table = document["comparisons"][0]
    metrics = table["metrics"]
    return {"verdicts": {key: metric["verdict"] for key, metric in metrics.items()},
            "ratios": {key: metric["ratio"] for key, metric in metrics.items()},
            "repetitions": table["subject_repetitions"]}


def session(trace: str, target: pathlib.Path, build: pathlib.Path) -> None:
    """One result of mem beside glibc, for the comparison of sessions."""
    target.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([build / "bin/allocreplay", "-q", "-r", "15", "-a", "mem", "-o", target,
                           "-t", ROOT / f"traces/{trace}.trace"], capture_output=True, text=True,
                          timeout=TIMEOUT_S, check=False, env=environment())
    if done.returncode:
        raise Failure(last_line(done.stderr))


def compare_sessions(files: list[pathlib.Path], build: pathlib.Path) -> list[dict]:
    """Every two sessions of one trace against each other."""
    outcomes = []
    for before, after in itertools.combinations(sorted(files), 2):
        document = _run([build / "bin/allocreplay", "compare", "-f", "json", before, after])
        table = document["comparisons"][0]
        outcomes.append({"verdicts": {key: metric["verdict"]
                                      for key, metric in table["metrics"].items()},
                         "ratios": {key: metric["ratio"]
                                    for key, metric in table["metrics"].items()},
                         "drift": {key: metric["drift"] for key, metric in table["metrics"].items()},
                         "repetitions": table["subject_repetitions"]})
    return outcomes


def alarms(outcome: dict) -> list[str]:
    """The metrics that were said to differ."""
    return [key for key, verdict in outcome["verdicts"].items() if verdict in ("better", "worse")]
