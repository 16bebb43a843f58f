"""The command line of scripts/bench_peers."""

import argparse
import json
import pathlib
import subprocess
import sys

from peer_bench import allocators, plan, suites, summary, tables
from peer_bench.processes import ROOT, Failure, fingerprint
from peer_bench.state import State, StateError
from script_main import run_script

EXAMPLES = """examples:
  scripts/bench_peers -o peers.json                      everything, about 20 minutes
  scripts/bench_peers --quick --only micro,startup       a glance
  scripts/bench_peers --allocators mem,jemalloc,new=./libnew.so
  scripts/bench_peers --again mem                        a change of mem; the others as they were
  scripts/bench_peers --markdown peers.json              tables of a result
  scripts/bench_peers --update-benchmark-md peers.json   the same into BENCHMARK.md

A run that was stopped goes on where it was when called again; --fresh starts over.
Exit status: 0 done, 1 error or stopped, 2 wrong usage."""


def words_of(text: str, known) -> list[str]:
    words = [word for word in text.split(",") if word]
    unknown = [word for word in words if word not in known]
    if unknown or not words:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown) or repr(text)}; "
                                         f"give some of {', '.join(known)}")
    return [word for word in known if word in words]


def wanted(text: str):
    try:
        return allocators.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number above 0")
    return int(text)


def arguments(argv) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench_peers", epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measures mem against glibc and the peers that Debian packages, all preloaded "
                    "alike, interleaved round by round.")
    parser.add_argument("-o", "--output", type=pathlib.Path, metavar="FILE",
                        help="the result as JSON (without it: tables on stdout)")
    parser.add_argument("--quick", action="store_true", help="a quarter of the work, one round")
    parser.add_argument("--rounds", type=count, metavar="N", help="rounds [5; 1 with --quick]")
    parser.add_argument("--only", type=lambda text: words_of(text, list(suites.SUITES)),
                        default=list(suites.SUITES), metavar="SUITE,...", help="these suites only")
    parser.add_argument("--allocators", type=wanted, default=",".join(allocators.KNOWN),
                        metavar="LIST", help="names, or NAME=PATH of another library; mem=PATH for "
                        "another build of mem [%(default)s]")
    parser.add_argument("--state", type=pathlib.Path, metavar="FILE",
                        default=ROOT / "build/peers/state.jsonl",
                        help="raw samples [build/peers/state.jsonl]")
    parser.add_argument("--fresh", action="store_true", help="forget the samples, start over")
    parser.add_argument("--again", type=lambda text: text.split(","), default=[],
                        metavar="NAME,...", help="measure these anew and keep the others' samples: "
                        "for trying a change of mem; they are then not side by side, and the "
                        "tables say so")
    parser.add_argument("--no-build", action="store_true",
                        help="neither install nor build anything")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--list", action="store_true",
                      help="suites, jobs and allocators; no measuring")
    what.add_argument("--markdown", type=pathlib.Path, metavar="FILE.json",
                      help="print the tables of a result")
    what.add_argument("--update-benchmark-md", type=pathlib.Path, metavar="FILE.json",
                      help="put the tables of a result between the marks in BENCHMARK.md")
    options = parser.parse_args(argv)
    strangers = set(options.again) - {name for name, _ in options.allocators}
    if strangers:
        parser.error(f"argument --again: {', '.join(sorted(strangers))}: not among --allocators")
    return options


def build() -> None:
    """Installs what is missing (going on without it if it cannot), builds the release preset."""
    if subprocess.run([ROOT / "scripts/bootstrap", "--for", "bench"], check=False).returncode:
        print("bench_peers: some packages are missing; their rows will say so", file=sys.stderr)
    script = ('. "$0/scripts/build.sh" && '
              'build_preset "$0" release ON core/all replay/all peer_bench')
    if subprocess.run(["bash", "-c", script, ROOT], check=False).returncode:
        raise Failure("the build failed; the lines above say why")


def command(options: argparse.Namespace) -> str:
    """What makes the same figures anew, without what is a matter of this machine."""
    words = ["scripts/bench_peers"]
    if options.quick:
        words.append("--quick")
    if options.rounds:
        words.append(f"--rounds {options.rounds}")
    if options.only != list(suites.SUITES):
        words.append(f"--only {','.join(options.only)}")
    names = [f"{name}={pathlib.PurePath(path).name}" if path else name
             for name, path in options.allocators]
    if names != allocators.KNOWN:
        words.append(f"--allocators {','.join(names)}")
    return " ".join(words)


def show(jobs, found) -> None:
    for job in jobs:
        print(f"{job.suite}\t{job.name}\t{job.missing or ', '.join(m.what for m in job.metrics)}")
    for allocator in found:
        print(f"allocator\t{allocator.name}\t"
              f"{allocator.missing or allocator.version or allocator.library or 'built in'}")


def measure(options: argparse.Namespace) -> None:
    if not options.no_build:
        build()
    found = allocators.find(options.allocators)
    jobs = suites.jobs(options.only, options.quick)
    if options.list:
        show(jobs, found)
        return
    scale = "quick" if options.quick else "full"
    rounds = options.rounds or (1 if options.quick else 5)
    state = State(options.state, options.fresh)
    for suite in options.only:
        state.identify(scale, f"suite {suite}", fingerprint(suites.inputs(suite)), suite=suite)
    for allocator in found:
        if allocator.name in options.again:
            state.forget(scale, allocator.name)
        if allocator.missing:
            print(f"bench_peers: {allocator.name}: {allocator.missing}", file=sys.stderr)
        else:
            state.identify(scale, allocator.name, allocator.fingerprint(),
                           allocator=allocator.name)
    measured = [*found, allocators.FLOOR] if "micro" in options.only else found
    plan.measure(jobs, measured, rounds, state, scale)
    document = summary.document(jobs, measured, rounds, state, scale, options.only,
                                command(options))
    if options.output:
        tables.write_whole(options.output, json.dumps(document, indent=1) + "\n")
    else:
        sys.stdout.write(tables.markdown(document))


def run(options: argparse.Namespace) -> int:
    if options.markdown:
        sys.stdout.write(tables.markdown(tables.load(options.markdown)))
    elif options.update_benchmark_md:
        tables.update_section(ROOT / "BENCHMARK.md",
                              tables.markdown(tables.load(options.update_benchmark_md)))
    else:
        measure(options)
    return 0


def main(argv=None) -> int:
    options = arguments(argv)
    return run_script("bench_peers", lambda: run(options),
                      (allocators.Unusable, Failure, StateError, tables.TableError),
                      stopped=f"stopped; the samples are kept in {options.state}, the same command "
                              "goes on")


if __name__ == "__main__":
    sys.exit(main())
