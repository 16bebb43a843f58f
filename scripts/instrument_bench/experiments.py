"""What is compared with what. An outcome is {"verdicts": {metric: verdict}, "repetitions": n}."""

import dataclasses
import json
import pathlib
import statistics
import subprocess
import tempfile

import results_io
from peer_bench.processes import ROOT, Failure, environment, last_line

STATED_ALARMS = 0.05   # of comparisons, any metric
STATED_POWER = 0.9     # of planted faults
TIMEOUT_S = 300
CALIBRATION_REPETITIONS = 30


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
    independent: bool = True       # no two comparisons share what they measured
    instructions: int | None = None  # that "planted_slow" adds to every call; None: not found out yet

    def jobs(self, count: int | None = None):
        """[(trace, round)], the traces in turn."""
        total = count or self.comparisons
        return [(self.traces[i % len(self.traces)], i // len(self.traces)) for i in range(total)]

    def with_instructions(self, count: int, planted: float) -> "Experiment":
        """planted: the time with so many to that without."""
        return dataclasses.replace(self, instructions=count,
                                   what=f"{count} {self.what}; {planted:.3f} was planted")


EXPERIMENTS = [
    Experiment("alike", "glibc against itself, all metrics", "glibc", "glibc",
               ("redis", "sqlite", "cc1plus", "lua", "mariadb"), 30),
    Experiment("slow", "more instructions in every call, -m time_per_event_ns --threshold 1% -r 240",
               "planted_slow", "planted_plain", ("redis",), 20, planted="time_per_event_ns",
               options=("--threshold", "1%", "-r", "240", "-m", "time_per_event_ns")),
    Experiment("leak", "2 % more pages, all metrics, --threshold 1%", "planted_leak", "planted_plain",
               ("redis", "sqlite"), 10,
               planted="peak_resident_pages", options=("--threshold", "1%")),
]


def _library(name: str, build: pathlib.Path) -> str:
    return name if name == "glibc" else str(build / "lib" / f"lib{name}.so")


def outcome_of(command: list, **variables: str) -> dict:
    """What a command that writes a verdict as JSON says of its one comparison."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          timeout=TIMEOUT_S, check=False, env=environment(**variables))
    if done.returncode not in (0, 3, 4):
        raise Failure(last_line(done.stderr))
    table = json.loads(done.stdout)["comparisons"][0]
    metrics = table["metrics"]
    return {"verdicts": {key: metric["verdict"] for key, metric in metrics.items()},
            "ratios": {key: metric["ratio"] for key, metric in metrics.items()},
            "repetitions": table["subject_repetitions"]}


def compare(experiment: Experiment, trace: str, seed: int, build: pathlib.Path) -> dict:
    """One comparison of real processes."""
    return outcome_of([build / "bin/allocreplay", "ab", "-q", "-f", "json", "--seed", seed,
                       "-t", ROOT / f"traces/{trace}.trace",
                       "-a", _library(experiment.subject, build),
                       "-b", _library(experiment.baseline, build), *experiment.options],
                      PLANTED_INSTRUCTIONS=str(experiment.instructions or 0))


def slowdown(experiment: Experiment, count: int, trace: str, build: pathlib.Path) -> float:
    """The planted metric with so many instructions to that without, the median of the repetitions
    of both. So many whatever comes out: `ab`, which ends when all is clear, ends sooner where the
    difference seems larger."""
    libraries = [_library(name, build) for name in (experiment.subject, experiment.baseline)]
    with tempfile.TemporaryDirectory(prefix="allocreplay-calibration-") as folder:
        target = pathlib.Path(folder, "result.json")
        done = subprocess.run([build / "bin/allocreplay", "-q", "--threads", "1",
                               "-r", str(CALIBRATION_REPETITIONS), "-o", target,
                               "-t", ROOT / f"traces/{trace}.trace",
                               "-a", libraries[0], "-a", libraries[1]],
                              capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
                              env=environment(PLANTED_INSTRUCTIONS=str(count)))
        if done.returncode:
            raise Failure(last_line(done.stderr))
        found = {one.allocator: one.metrics[experiment.planted].samples
                 for one in results_io.load(target).results}
    subject, baseline = (found[pathlib.Path(library).name] for library in libraries)
    return statistics.median(mine / its for mine, its in zip(subject, baseline))


def alarms(outcome: dict) -> list[str]:
    """The metrics that were said to differ."""
    return [key for key, verdict in outcome["verdicts"].items() if verdict in ("better", "worse")]
