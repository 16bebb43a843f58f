"""The loop: round by round, job by job, all allocators of a job one right after another."""

import random
import sys
import time

from peer_bench.processes import Failure

# What a program that ends too early, or prints something else, raises in the code that reads it.
ERRORS = (Failure, OSError, ValueError, LookupError)


def order(names: list[str], round_: int, job: str) -> list[str]:
    """The allocators in an order of this round's and job's own, the same each time."""
    shuffled = list(names)
    random.Random(f"{round_}/{job}").shuffle(shuffled)
    return shuffled


class Progress:
    """Lines on stderr; at a terminal one that is overwritten."""

    def __init__(self, total: int, stream=None, who="bench_peers"):
        self.who = who
        self.stream = stream or sys.stderr
        self.total, self.done = total, 0
        self.started = time.monotonic()
        self.terminal = self.stream.isatty()
        self.reported = 0.0

    def step(self, text: str) -> None:
        elapsed = time.monotonic() - self.started
        left = elapsed / self.done * (self.total - self.done) if self.done else 0
        line = f"{self.who}: {self.done}/{self.total}, {left / 60:.1f} min left, {text}"
        if self.terminal:
            print(f"\r{line[:110]:<110}", end="", file=self.stream, flush=True)
        elif elapsed - self.reported >= 10:
            self.reported = elapsed
            print(line, file=self.stream, flush=True)

    def say(self, text: str) -> None:
        print(f"\r{'':<110}\r" if self.terminal else "", end="", file=self.stream)
        print(f"{self.who}: {text}", file=self.stream, flush=True)


def todo(jobs, allocators, rounds: int, state, scale: str):
    """[(round, job, allocators to measure, in order)]

    A row of which one is missing is measured whole, so that all stand side by side; but for those
    that shall be measured anew alone.
    """
    by_name = {allocator.name: allocator for allocator in allocators if not allocator.missing}
    result = []
    for round_ in range(rounds):
        for job in jobs:
            names = [name for name, allocator in by_name.items() if job.takes(allocator)]
            left = {name for name in names
                    if not state.done(scale, job.suite, job.name, name, round_)}
            if left - state.forgotten(scale):
                left = set(names)
            if left and not job.missing:
                result.append((round_, job, [by_name[name] for name in
                                             order(names, round_, job.name) if name in left]))
    return result


def measure(jobs, allocators, rounds: int, state, scale: str, stream=None) -> int:
    """Measures the rows that the state does not hold yet; returns how many samples were added."""
    steps = todo(jobs, allocators, rounds, state, scale)
    progress = Progress(sum(len(left) for _, _, left in steps), stream)
    for round_, job, left in steps:
        pending = list(left)
        progress.step(f"round {round_ + 1}, {job.suite} {job.name}")
        for allocator, outcome in job.measure_all(pending):
            state.add(scale, job.suite, job.name, allocator.name, round_, outcome)
            progress.done += 1
            if "error" in outcome:
                progress.say(f"{job.suite} {job.name}, {allocator.name}: {outcome['error']}")
            progress.step(f"round {round_ + 1}, {job.suite} {job.name}")
    if progress.total:
        minutes = (time.monotonic() - progress.started) / 60
        progress.say(f"{progress.done} samples in {minutes:.1f} min")
    return progress.done


def outcome_of(measure_one, allocator) -> dict:
    """The outcome of one measurement: its values, or why there are none."""
    try:
        return {"values": measure_one(allocator)}
    except ERRORS as error:
        return {"error": str(error) if isinstance(error, Failure) else repr(error)}
