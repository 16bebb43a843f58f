"""The command line of scripts/bench_instrument."""

import argparse
import pathlib
import random
import subprocess
import sys

from instrument_bench import calibration, experiments, sessions, tables
from instrument_bench.experiments import EXPERIMENTS, Experiment
from peer_bench.plan import Progress
from peer_bench.processes import ROOT, Failure, fingerprint
from peer_bench.state import State, StateError
from peer_bench.tables import TableError, machine, publish
from regress import builds
from results_io import ResultError
from script_main import named, run_script

EXAMPLES = """examples:
  scripts/bench_instrument                        all comparisons, up to an hour
  scripts/bench_instrument --only alike --most 5  five more of them
  scripts/bench_instrument --session              one more session of mem beside glibc, of the
                                                  commit that results/sessions are of
  scripts/bench_instrument --update-benchmark-md  measure what is missing, table into BENCHMARK.md

A run that was stopped goes on where it was when called again; --fresh starts over. Sessions are
compared with all others of the same commit, kind of processor and timer, whatever their day; each
stands in several comparisons, so these are shown and judge nothing.
Exit status: 0 done, 1 error or stopped, 2 wrong usage, 3 the outcome contradicts what is stated."""

def arguments(argv) -> argparse.Namespace:
    def count(text: str) -> int:
        if not text.isdigit() or int(text) < 1:
            raise argparse.ArgumentTypeError(f"'{text}' is not a number above 0")
        return int(text)

    parser = argparse.ArgumentParser(
        prog="bench_instrument", epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Compares allocators that are alike, and ones with a planted fault, and says "
                    "how often the verdict was right.")
    parser.add_argument("--comparisons", type=count, metavar="N",
                        help="of each experiment [30 alike, 20 slow, 10 leak]")
    parser.add_argument("--most", type=int, metavar="N",
                        help="measure at most so many now; 0: show what there is")
    parser.add_argument("--only", metavar="NAME,...",
                        help="of " + ", ".join(one.name for one in EXPERIMENTS))
    parser.add_argument("--state", type=pathlib.Path, metavar="FILE",
                        default=ROOT / "build/instrument/state.jsonl",
                        help="outcomes [build/instrument/state.jsonl]")
    parser.add_argument("--fresh", action="store_true", help="forget the outcomes, start over")
    parser.add_argument("--build-dir", type=pathlib.Path, metavar="DIR",
                        help="measure the build there, and build nothing [build/release; with "
                             "--session one of the sessions' commit]")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--session", action="store_true",
                      help="measure one session into results/sessions, nothing else")
    what.add_argument("--update-benchmark-md", action="store_true",
                      help="put the table between the marks in BENCHMARK.md")
    return parser.parse_args(argv)


def build() -> None:
    subprocess.run([ROOT / "scripts/bootstrap", "--for", "test"], check=False)
    script = ('. "$0/scripts/build.sh" && build_preset "$0" release ON core/all replay/all planted')
    if subprocess.run(["bash", "-c", script, ROOT], check=False).returncode:
        raise Failure("the build failed; the lines above say why")


def calibrated(one: Experiment, state: State, build_dir, may_measure: bool) -> Experiment:
    """The experiment with the count of instructions that makes a slowdown of 3 % here. Failure if
    there is none."""
    most = calibration.MOST
    key = ("full", "calibration", str(most), "-", 0)
    if may_measure and key not in state.samples:
        ratio = experiments.slowdown(one, most, one.traces[0], build_dir)
        state.add(*key, {"values": {"ratio": ratio}})
        print(f"bench_instrument: {most} more instructions in every call: {ratio:.3f} of the time",
              file=sys.stderr)
    if key not in state.samples:
        return one
    ratio = state.samples[key]["values"]["ratio"]
    count = calibration.count_of(ratio)
    return one.with_instructions(count, calibration.planted(count, ratio))


def measure(found, options, state, build_dir) -> int:
    """Makes the comparisons that the state does not hold yet; returns how many failed."""
    left = [(one, trace, round_) for one in found for trace, round_ in one.jobs(options.comparisons)
            if not state.done("full", one.name, trace, "-", round_)]
    left = left if options.most is None else left[:max(options.most, 0)]
    progress = Progress(len(left), who="bench_instrument")
    failed = 0
    for one, trace, round_ in left:
        progress.step(f"{one.name}, {trace}, {round_ + 1}")
        seed = random.Random(f"{one.name}/{trace}/{round_}").getrandbits(32)
        try:
            outcome = {"values": experiments.compare(one, trace, seed, build_dir)}
        except (Failure, OSError, subprocess.SubprocessError, KeyError, ValueError) as error:
            outcome = {"error": str(error)}
            failed += 1
            progress.say(f"{one.name}, {trace}: {error}")
        state.add("full", one.name, trace, "-", round_, outcome)
        progress.done += 1
    if left:
        progress.say(f"{len(left) - failed} comparisons made")
    return failed


def outcomes_of(one: Experiment, state: State, count: int | None) -> list[dict]:
    found = []
    for trace, round_ in one.jobs(count):
        sample = state.samples.get(("full", one.name, trace, "-", round_), {})
        if "values" in sample:
            found.append(sample["values"])
    return found


def measure_session(build_dir: pathlib.Path | None) -> None:
    sha = sessions.commit_to_measure()
    print(f"bench_instrument: a session of {sha[:12]}", file=sys.stderr)
    build_dir = build_dir.resolve() if build_dir else builds.programs_of(sha)
    for trace in sessions.TRACES:
        print(f"bench_instrument: {sessions.measure(trace, build_dir, sha).path}", file=sys.stderr)


def text_of(rows, words: str) -> str:
    return "\n\n".join([
        f"    {words}", f"{machine()}.",
        "Each comparison is a run of `allocreplay ab` of its own, with its own order of processes. "
        "An alarm is a comparison in which any metric was called better or worse, though nothing "
        "differs; a planted fault is found if its metric was called worse. The ratio is the mean "
        "of what was found, weighted by repetitions, for those that end early found more than there is. "
        "How many instructions make 3 % of the time is a matter of the machine, and follows from what "
        "256 take. Each session stands in several comparisons; of those no limits "
        "follow, and they are not judged.",
        tables.markdown(rows)]) + "\n"


def work_of(build_dir: pathlib.Path) -> str:
    """A fingerprint of all that outcomes hang on; bin/allocreplay is what gives the verdicts."""
    planted = (build_dir / f"lib/libplanted_{kind}.so" for kind in ("plain", "slow", "leak"))
    traces = sorted({trace for one in EXPERIMENTS for trace in one.traces})
    return fingerprint([build_dir / "bin/allocreplay", build_dir / "bin/allocreplay-worker",
                        *planted, *(ROOT / f"traces/{name}.trace" for name in traces)],
                       repr((EXPERIMENTS, calibration.WANTED, calibration.MOST)))


def run(options: argparse.Namespace) -> int:
    found = named("bench_instrument", EXPERIMENTS, options.only)
    if options.session:
        measure_session(options.build_dir)
        return 0
    if not options.build_dir:
        build()
    build_dir = (options.build_dir or ROOT / "build/release").resolve()
    state = State(options.state, options.fresh)
    state.identify("full", "what is compared", work_of(build_dir))
    ready, failed = [], 0
    for one in found:
        try:
            ready.append(calibrated(one, state, build_dir, options.most != 0)
                         if one.subject == "planted_slow" else one)
        except (Failure, ResultError, OSError, subprocess.SubprocessError, KeyError) as error:
            print(f"bench_instrument: {one.name} left out: {error}", file=sys.stderr)
            failed += 1
    found = ready
    failed += measure(found, options, state, build_dir)
    rows = [(one, outcomes_of(one, state, options.comparisons)) for one in found]
    if not options.only:
        rows += sessions.rows(build_dir)
    words = " ".join(["scripts/bench_instrument"] +
                     ([f"--comparisons {options.comparisons}"] if options.comparisons else []) +
                     ([f"--only {options.only}"] if options.only else []))
    text = text_of(rows, words)
    publish(text, options.update_benchmark_md, failed, tables.BEGIN, tables.END)
    broken = [one.name for one, outcomes in rows if not tables.keeps_its_word(one, outcomes)]
    for name in broken:
        print(f"bench_instrument: {name}: the outcome contradicts what is stated", file=sys.stderr)
    return 1 if failed else 3 if broken else 0


def main(argv=None) -> int:
    options = arguments(argv)
    return run_script("bench_instrument", lambda: run(options), (Failure, StateError, TableError),
                      stopped=f"stopped; the outcomes are kept in {options.state}, the same command "
                              "goes on")


if __name__ == "__main__":
    sys.exit(main())
