"""The command line of scripts/bench_recorder."""

import argparse
import pathlib
import subprocess
import sys

from peer_bench.plan import Progress
from peer_bench.processes import ROOT, Failure, fingerprint
from peer_bench.state import State, StateError
from peer_bench.tables import TableError, machine, publish
from recorder_bench import tables
from recorder_bench.loads import MODES, loads, measure
from script_main import named, run_script

EXAMPLES = """examples:
  scripts/bench_recorder                           five rounds, about four minutes; table on stdout
  scripts/bench_recorder --quick --only redis      a glance
  scripts/bench_recorder --modes recorded,sites,residency
  scripts/bench_recorder --update-benchmark-md     measure what is missing, table into BENCHMARK.md

A run that was stopped goes on where it was when called again; --fresh starts over.
Exit status: 0 done, 1 error or stopped, 2 wrong usage."""


def arguments(argv) -> argparse.Namespace:
    def count(text: str) -> int:
        if not text.isdigit() or int(text) < 1:
            raise argparse.ArgumentTypeError(f"'{text}' is not a number above 0")
        return int(text)

    def modes(text: str) -> list[str]:
        words = [word for word in text.split(",") if word]
        if not words or set(words) - set(MODES) or "plain" in words:
            raise argparse.ArgumentTypeError(f"give some of {', '.join(list(MODES)[1:])}")
        return words

    parser = argparse.ArgumentParser(
        prog="bench_recorder", epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Runs programs plain and recorded, side by side round by round, and says what "
                    "the recording cost them.")
    parser.add_argument("--rounds", type=count, metavar="N", help="rounds [5; 1 with --quick]")
    parser.add_argument("--quick", action="store_true", help="less work, one round")
    parser.add_argument("--only", metavar="LOAD,...", help="these programs only; see --list")
    parser.add_argument("--modes", type=modes, default=["recorded"], metavar="MODE,...",
                        help="kinds of recording: recorded, sites, residency [recorded]")
    parser.add_argument("--state", type=pathlib.Path, metavar="FILE",
                        default=ROOT / "build/recorder_bench/state.jsonl",
                        help="raw samples [build/recorder_bench/state.jsonl]")
    parser.add_argument("--fresh", action="store_true", help="forget the samples, start over")
    parser.add_argument("--bin", type=pathlib.Path, metavar="DIR",
                        help="measure the build there, and build nothing")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--list", action="store_true", help="the programs; no measuring")
    what.add_argument("--update-benchmark-md", action="store_true",
                      help="put the table between the marks in BENCHMARK.md")
    return parser.parse_args(argv)


def build() -> None:
    subprocess.run([ROOT / "scripts/bootstrap", "--for", "bench"], check=False)
    script = ('. "$0/scripts/build.sh" && build_preset "$0" release ON allocreplay allocrecord '
              'recorder_load')
    if subprocess.run(["bash", "-c", script, ROOT], check=False).returncode:
        raise Failure("the build failed; the lines above say why")


def pair_of(state, scale, load, mode, round_) -> tuple[dict, dict] | None:
    """What a plain and a recorded run gave, if one call of this script measured both."""
    plain, recorded = (state.samples.get((scale, "recorder", load.name, each, round_), {})
                       for each in ("plain", mode))
    if "values" not in plain or "values" not in recorded:
        return None
    together = plain.get("session") == recorded.get("session")
    return (plain["values"], recorded["values"]) if together else None


def text_of(found, modes, state, scale, rounds, words) -> str:
    rows = []
    for load in found:
        for mode in modes:
            pairs = [pair_of(state, scale, load, mode, round_) for round_ in range(rounds)]
            rows.append((load.what, mode, pairs if all(pairs) else []))
    return "\n\n".join([
        f"    {words}", f"{machine()}; {rounds} rounds.",
        "Each program runs plain and recorded in turn, in a new order each round; figures are the "
        "median of the rounds (least to greatest). Slowdown: wall time, of redis the client's; of "
        "the working sets the time of an event inside a thread. Nanoseconds per event and thread: "
        "what the program's threads lose. The recorder copies their records meanwhile, on whatever "
        "processor is free; that stands beside it, and is in the CPU time of both. Spool: what the "
        "recording needs on disk while it runs. The merge after the program's end is not in it.",
        tables.table(rows)]) + "\n"


def run(options: argparse.Namespace) -> int:
    binaries = options.bin or ROOT / "build/release/bin"

    def wanted() -> list:
        return named("bench_recorder", loads(binaries, options.quick), options.only, "--list")

    found = wanted()
    if options.list:
        for load in found:
            print(f"{load.name}\t{load.missing or load.what}")
        return 0
    if not options.bin:
        build()
        # now with what has been installed
        found = wanted()
    scale = "quick" if options.quick else "full"
    rounds = options.rounds or (1 if options.quick else 5)
    state = State(options.state, options.fresh)
    state.identify(scale, "the recorder", fingerprint(
        [binaries / "allocreplay", binaries.parent / "lib/liballocrecord.so"]))
    for load in found:
        if not load.missing:
            state.identify(scale, load.name, fingerprint(load.files), job=load.name)
    failed = go_through(found, options, binaries, rounds, state, scale)
    words = " ".join(["scripts/bench_recorder"] + (["--quick"] if options.quick else []) +
                     ([f"--rounds {options.rounds}"] if options.rounds else []) +
                     ([f"--only {options.only}"] if options.only else []) +
                     ([f"--modes {','.join(options.modes)}"]
                      if options.modes != ["recorded"] else []))
    text = text_of(found, options.modes, state, scale, rounds, words)
    publish(text, options.update_benchmark_md, failed, tables.BEGIN, tables.END)
    return 1 if failed else 0


def go_through(found, options, binaries, rounds, state, scale) -> int:
    """Measures what the state does not hold yet; returns how many runs failed.

    All that stands side by side is of one call: if a recorded run is missing, all of its round are
    made again, the plain one too.
    """
    names = ["plain", *options.modes]
    left = [(round_, load, mode) for round_ in range(rounds) for load in found
            if not load.missing and not all(pair_of(state, scale, load, mode, round_)
                                            for mode in options.modes)
            for mode in (names if round_ % 2 == 0 else names[::-1])]
    progress = Progress(len(left), who="bench_recorder")
    failed = 0
    for round_, load, mode in left:
        progress.step(f"round {round_ + 1}, {load.name} {mode}")
        try:
            outcome = {"values": measure(load, mode, binaries, options.quick)}
        except (Failure, OSError, subprocess.SubprocessError, KeyError, ValueError) as error:
            outcome = {"error": str(error)}
            failed += 1
            progress.say(f"{load.name}, {mode}: {error}")
        state.add(scale, "recorder", load.name, mode, round_, outcome)
        progress.done += 1
    for load in found:
        if load.missing:
            progress.say(f"{load.name}: {load.missing}")
    if left:
        progress.step("done")
        print(file=sys.stderr)
    return failed


def main(argv=None) -> int:
    options = arguments(argv)
    return run_script("bench_recorder", lambda: run(options), (Failure, StateError, TableError),
                      stopped=f"stopped; the samples are kept in {options.state}, the same command "
                              "goes on")


if __name__ == "__main__":
    sys.exit(main())
