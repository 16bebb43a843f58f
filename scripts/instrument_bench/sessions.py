"""Sessions of one commit, kept in results/sessions so that another day can add to them.

A session is a result of `allocreplay`, mem beside glibc, compressed: TRACE.TIME.json.zst.
"""

import dataclasses
import itertools
import json
import pathlib
import subprocess
import tempfile
import time

import zstandard

from instrument_bench import experiments
from peer_bench.processes import ROOT, Failure, environment, last_line
from regress import builds
from results_io import ResultError, check_schema

FOLDER = ROOT / "results/sessions"
TRACES = ("redis", "sqlite")
REPETITIONS = 15


@dataclasses.dataclass(frozen=True)
class Session:
    path: pathlib.Path
    trace: str
    text: bytes     # the JSON
    date: str       # 2026-11-29T00:33:10Z
    revision: str   # git's short name of the commit
    cpu: str
    timer: str      # tsc, clock_gettime

    @property
    def day(self) -> str:
        return self.date.partition("T")[0]


def read(path: pathlib.Path) -> Session:
    """Failure says why a file is no session."""
    try:
        text = zstandard.ZstdDecompressor().decompress(path.read_bytes())
        document = json.loads(text)
        check_schema(document, str(path))
        context = document["context"]
        return Session(path, path.name.partition(".")[0], text, context["date"],
                       context["build"]["git_revision"], context["host"]["cpu"],
                       document["config"]["timer"])
    except (OSError, ValueError, KeyError, TypeError, zstandard.ZstdError, ResultError) as error:
        raise Failure(f"{path}: no session: {error}") from error


def stored() -> list[Session]:
    """All sessions, oldest first."""
    return sorted(map(read, FOLDER.glob("*.json.zst")), key=lambda one: one.date)


def commit_to_measure() -> str:
    """That of the sessions there are; HEAD's if there are none."""
    known = {one.revision for one in stored()}
    if len(known) > 1:
        raise Failure(f"{FOLDER} holds sessions of several commits: {', '.join(sorted(known))}")
    return builds.commit(known.pop() if known else "HEAD")


def measure(trace: str, build: pathlib.Path, sha: str) -> Session:
    """One more session of a commit, by its own build."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    target = FOLDER / f"{trace}.{stamp}.json.zst"
    partial = target.with_name(target.name + ".tmp")
    done = subprocess.run([build / "bin/allocreplay", "-q", "-r", str(REPETITIONS), "-a", "mem",
                           "-t", ROOT / f"traces/{trace}.trace"], capture_output=True,
                          timeout=experiments.TIMEOUT_S, check=False, env=environment())
    if done.returncode:
        raise Failure(last_line(done.stderr.decode()))
    try:
        # Files are named from the project's root.
        text = done.stdout.replace(f"{ROOT}/".encode(), b"")
        partial.write_bytes(zstandard.ZstdCompressor(level=19).compress(text))
        session = read(partial)
        if not sha.startswith(session.revision):
            raise Failure(f"{build} is a build of {session.revision}, not of {sha[:12]}")
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return dataclasses.replace(session, path=target)


def pairs(sessions: list[Session], of_days: bool, of_cpus: bool = False) -> list[tuple[Session, Session]]:
    """What is compared: two sessions of one trace, commit and timer, of two days or of one, and of two
    kinds of processor or of one."""
    return [(before, after) for before, after in itertools.combinations(sessions, 2)
            if (before.trace, before.revision, before.timer) ==
            (after.trace, after.revision, after.timer) and
            (before.day != after.day) == of_days and (before.cpu != after.cpu) == of_cpus]


def compare(before: Session, after: Session, build: pathlib.Path) -> dict:
    """The outcome, as experiments.compare has it."""
    with tempfile.TemporaryDirectory(prefix="allocreplay-sessions-") as folder:
        files = [pathlib.Path(folder) / f"{name}.json" for name in ("before", "after")]
        for file, one in zip(files, (before, after)):
            file.write_bytes(one.text)
        return experiments.outcome_of([build / "bin/allocreplay", "compare", "-f", "json", *files])


def rows(build: pathlib.Path) -> list[tuple[experiments.Experiment, list[dict]]]:
    """An experiment and its outcomes for the table: sessions of one day, of several, and of several
    days and processors."""
    sessions = stored()
    found = []
    for words, compared in (("of one day", pairs(sessions, False)),
                            ("of different days", pairs(sessions, True)),
                            ("of different days and processors", pairs(sessions, True, of_cpus=True))):
        cpus = ", ".join(sorted({one.cpu for pair in compared for one in pair}))
        what = (f"`compare` of sessions {words} on {cpus}, mem of "
                f"{', '.join(sorted({one.revision for one, _ in compared}))}, all metrics")
        experiment = experiments.Experiment(f"sessions {words}", what, "mem", "mem", TRACES, 0,
                                            independent=False)
        found.append((experiment, [compare(*pair, build) for pair in compared]))
    return found
