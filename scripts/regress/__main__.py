"""The command line of scripts/ci_regress."""

import argparse
import pathlib
import subprocess
import sys

from peer_bench.processes import ROOT, Failure, last_line
from peer_bench.tables import TableError, write_whole
from regress import baseline, builds
from script_main import run_script

EXAMPLES = """examples:
  scripts/ci_regress                          this tree against the merge base with main
  scripts/ci_regress --base HEAD~3 --trace redis --trace sqlite -o comment.md
  scripts/ci_regress --metric time_per_event_ns --threshold 3%
  scripts/ci_regress --deterministic          only what repeats exactly: fit for any machine
  scripts/ci_regress --deterministic --update results/baseline anew, and what changed

Exit status: 0 nothing worse, 3 something worse, 4 nothing worse but something cannot be told,
1 error, 2 wrong usage."""

TRACES = ("redis", "sqlite", "cc1plus")
METRICS = ("time_per_event_ns", "latency_ns_malloc_p50", "latency_ns_malloc_p99",
           "latency_ns_free_p50", "latency_ns_free_p99", "peak_resident_pages",
           "end_resident_pages", "page_faults_minor")
OK, WORSE, CANNOT_TELL = 0, 3, 4


def arguments(argv) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="ci_regress", epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Judges mem of this tree: by allocreplay ab against mem of another commit, on "
                    "this machine, and by the deterministic figures in results/baseline.")
    parser.add_argument("--base", metavar="COMMIT", help="[the merge base with main]")
    parser.add_argument("--trace", action="append", metavar="NAME", dest="traces",
                        help=f"of traces/, may be given several times [{', '.join(TRACES)}]")
    parser.add_argument("--metric", action="append", metavar="NAME", dest="metrics",
                        help="what to judge, * stands for anything [times, latencies, pages]")
    parser.add_argument("--threshold", default="2%", metavar="SHARE", help="[2%%]")
    parser.add_argument("--repeat", default="30", metavar="N", help="repetitions at most [30]")
    parser.add_argument("-o", "--output", type=pathlib.Path, metavar="FILE",
                        help="the Markdown, fit for a comment [standard output]")
    parser.add_argument("--deterministic", action="store_true",
                        help="results/baseline alone; nothing is timed")
    parser.add_argument("--update", action="store_true",
                        help="with --deterministic: write results/baseline anew")
    parser.add_argument("--build-dir", type=pathlib.Path, metavar="DIR",
                        help="take the build there, and build nothing [build/release]")
    options = parser.parse_args(argv)
    if options.update and not options.deterministic:
        parser.error("--update belongs to --deterministic")
    options.traces = options.traces or list(TRACES)
    for name in options.traces:
        if not (ROOT / f"traces/{name}.trace").is_file():
            parser.error(f"there is no traces/{name}.trace")
    return options


def _say(text: str) -> None:
    print(f"ci_regress: {text}", file=sys.stderr, flush=True)


def judge(name: str, options, build: pathlib.Path, base_library: pathlib.Path) -> tuple[int, str]:
    """(exit status, Markdown) of one trace under both libraries."""
    _say(f"{name}: this tree against the base, in turn")
    metrics = [word for metric in options.metrics or METRICS for word in ("-m", metric)]
    done = subprocess.run(
        [build / "bin/allocreplay", "ab", "-q", "-f", "markdown", "-t",
         ROOT / f"traces/{name}.trace", "-a", build / "lib/libmem.so", "-b", base_library,
         "--threshold", options.threshold, "-r", options.repeat, *metrics],
        capture_output=True, text=True, check=False)
    if done.returncode not in (OK, WORSE, CANNOT_TELL):
        raise Failure(f"{name}: {last_line(done.stderr)}")
    # The first line names the two libraries by their paths; this file has a better one.
    return done.returncode, f"#### {name}\n\n" + done.stdout.partition("\n\n")[2]


def against_base(options, build: pathlib.Path) -> tuple[list[int], list[str]]:
    base = builds.commit(options.base) if options.base else builds.merge_base()
    head = builds.git("rev-parse", "HEAD")
    changed = " with uncommitted changes" if builds.git("status", "--porcelain") else ""
    _say(f"building mem of {base[:12]}")
    library = builds.library_of(base)
    outcomes = [judge(name, options, build, library) for name in options.traces]
    title = f"### mem of `{head[:12]}`{changed} against `{base[:12]}`"
    return [status for status, _ in outcomes], [title, *(text for _, text in outcomes)]


def against_baseline(options, build: pathlib.Path) -> tuple[list[int], list[str]]:
    statuses, texts = [], ["### Deterministic figures against results/baseline"]
    for name in options.traces:
        _say(f"{name}: deterministic figures")
        new, old = baseline.measure(build / "bin/allocreplay", name), baseline.load(name)
        if options.update:
            baseline.save(new)
        if old is None:
            texts.append(f"`{name}`: " + ("written.\n" if options.update else
                                          "has no baseline; --update makes one.\n"))
            statuses.append(OK if options.update else CANNOT_TELL)
            continue
        why = baseline.incomparable(old, new)
        if why and not options.update:
            texts.append(f"`{name}`: {why}; --update makes one anew.\n")
            statuses.append(CANNOT_TELL)
            continue
        rows = baseline.differences(old, new)
        texts.append(baseline.markdown(name, rows))
        changes = baseline.context_changes(old, new)
        if changes:
            texts.append("> measured in another place: " + "; ".join(changes) + "\n")
        statuses.append(OK if options.update else WORSE if baseline.regressions(rows) else
                        CANNOT_TELL if baseline.gone(rows) else OK)
    return statuses, texts


def run(options: argparse.Namespace) -> int:
    build = options.build_dir.resolve() if options.build_dir else builds.build_head()
    statuses, texts = against_baseline(options, build)
    if not options.deterministic:
        timed, more = against_base(options, build)
        statuses, texts = timed + statuses, more + texts
    text = "\n\n".join(part.rstrip("\n") for part in texts) + "\n"
    if options.output:
        write_whole(options.output, text)
    else:
        sys.stdout.write(text)
    return WORSE if WORSE in statuses else CANNOT_TELL if CANNOT_TELL in statuses else OK


def main(argv=None) -> int:
    options = arguments(argv)
    return run_script("ci_regress", lambda: run(options), (Failure, TableError, KeyError))


if __name__ == "__main__":
    sys.exit(main())
