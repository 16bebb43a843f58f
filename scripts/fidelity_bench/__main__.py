"""The command line of scripts/bench_fidelity."""

import argparse
import dataclasses
import pathlib
import statistics
import subprocess
import sys
import tempfile

import results_io
from fidelity_bench import programs, smaps
from peer_bench import processes
from peer_bench.processes import ROOT, Failure
from peer_bench.tables import TableError, machine, publish, table
from script_main import named, run_script

BEGIN = "<!-- scripts/bench_fidelity: begin -->"
END = "<!-- scripts/bench_fidelity: end -->"
WITHIN = 0.05

EXAMPLES = """examples:
  scripts/bench_fidelity                       all programs under glibc and mem, about two minutes
  scripts/bench_fidelity --only redis,sqlite
  scripts/bench_fidelity --update-benchmark-md table into BENCHMARK.md

Exit status: 0 done, 1 error or stopped, 2 wrong usage."""


def arguments(argv) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench_fidelity", epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Records programs, replays the traces, runs the programs again under the same "
                    "preloaded allocators, and compares the most memory that their heaps held.")
    parser.add_argument("--only", metavar="PROGRAM,...",
                        help="of " + ", ".join(one.name for one in programs.PROGRAMS_KNOWN))
    parser.add_argument("--rounds", type=int, default=3, choices=range(1, 100), metavar="N",
                        help="recordings and runs of each program [3]")
    parser.add_argument("--bin", type=pathlib.Path, metavar="DIR",
                        help="take the build there, and build nothing [build/release/bin]")
    parser.add_argument("--update-benchmark-md", action="store_true",
                        help="put the table between the marks in BENCHMARK.md")
    return parser.parse_args(argv)


def build() -> None:
    subprocess.run([ROOT / "scripts/bootstrap", "--for", "traces"], check=False)
    script = '. "$0/scripts/build.sh" && build_preset "$0" release keep core/all replay/all'
    if subprocess.run(["bash", "-c", script, ROOT], check=False).returncode:
        raise Failure("the build failed; the lines above say why")


def replayed_peaks(trace: pathlib.Path, binary: pathlib.Path) -> tuple[dict[str, float], int]:
    """The most resident bytes of each allocator; the most that were live."""
    result_file = trace.with_suffix(".json")
    processes.run([binary, "-q", "-t", trace, "-a", "mem", "-r", "1", "-o", result_file], 600,
                  processes.environment())
    result = results_io.load(str(result_file))
    peaks = {row.allocator: max(row.fragmentation.total_pages) * result.page_size_bytes
             for row in result.results}
    return peaks, max(result.results[0].fragmentation.total_allocated_bytes)


@dataclasses.dataclass
class Row:
    """One program under one allocator: kibibytes, one of each a round."""

    program: programs.Program
    allocator: str
    live: list[float] = dataclasses.field(default_factory=list)
    real: list[float] = dataclasses.field(default_factory=list)
    replayed: list[float] = dataclasses.field(default_factory=list)
    missed: list[float] = dataclasses.field(default_factory=list)
    other: list[float] = dataclasses.field(default_factory=list)

    def cells(self) -> list[str]:
        ratio = statistics.median(self.replayed) / statistics.median(self.real)
        text = f"{ratio:.3f}"
        return [self.program.what, self.allocator, *map(spread, (self.live, self.real, self.missed,
                                                                 self.replayed)),
                text if abs(ratio - 1) <= WITHIN else f"**{text}**", spread(self.other)]


def spread(values: list[float]) -> str:
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:,.0f}" + (f" ({low:,.0f} to {high:,.0f})" if high - low > 0.01 * high else "")


def measure_round(rows: list[Row], binaries: pathlib.Path) -> None:
    """Records the program anew, replays that, and runs it once under each allocator."""
    program, binary = rows[0].program, binaries / "allocreplay"
    with tempfile.TemporaryDirectory(prefix="bench_fidelity-") as folder:
        trace = pathlib.Path(folder) / f"{program.name}.trace"
        programs.record(program, binary, trace)
        replayed, live = replayed_peaks(trace, binary)
    for row in rows:
        preload = None if row.allocator == "glibc" else str(binaries.parent / "lib/libmem.so")
        samples = programs.curve(program, preload)
        peak = smaps.peak_heap_bytes(samples)
        row.live.append(live / 1024)
        row.real.append(peak / 1024)
        row.replayed.append(replayed[row.allocator] / 1024)
        row.missed.append((peak - max(sample.heap_bytes for sample in samples)) / 1024)
        row.other.append(max(sample.other_bytes for sample in samples) / 1024)


def run(options: argparse.Namespace) -> int:
    found = named("bench_fidelity", programs.PROGRAMS_KNOWN, options.only)
    if not options.bin:
        build()
    binaries = (options.bin or ROOT / "build/release/bin").resolve()
    rows, failed = [], 0
    for program in found:
        of_program = [Row(program, "glibc"), Row(program, "mem")]
        try:
            if programs.missing(program):
                raise Failure(programs.missing(program))
            for round_ in range(options.rounds):
                print(f"bench_fidelity: {program.name}, round {round_ + 1}", file=sys.stderr)
                measure_round(of_program, binaries)
            rows += of_program
        except (Failure, results_io.ResultError, subprocess.SubprocessError, OSError) as error:
            failed += 1
            print(f"bench_fidelity: {program.name}: {error}", file=sys.stderr)
    words = ("scripts/bench_fidelity" +f" --rounds {options.rounds}" +
                                        (f" --only {options.only}" if options.only else ""))
    text = "\n\n".join([
        f"    {words}", f"{machine()}.",
        "KiB, the median of the rounds (least to most, where more than 1 % apart). Real: the most anonymous memory in the heap's mappings of the program itself, with "
        "the allocator preloaded, sampled while it runs; what samples missed of a spike is taken from "
        "the kernel's high-water mark. Replay: the most that its trace held under "
        f"the same allocator. Bold: more than {WITHIN * 100:.0f} % apart. Beside the heap: "
        "anonymous memory of the program that is not malloc's, which a replay does not have.",
        table(["program", "allocator", "live", "real", "of it missed", "replay", "replay / real",
               "beside the heap"], [row.cells() for row in rows], texts=2)]) + "\n"
    publish(text, options.update_benchmark_md, failed, BEGIN, END)
    return 1 if failed else 0


def main(argv=None) -> int:
    options = arguments(argv)
    return run_script("bench_fidelity", lambda: run(options), (Failure, TableError))


if __name__ == "__main__":
    sys.exit(main())
