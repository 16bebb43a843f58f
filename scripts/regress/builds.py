"""What this tree and other commits build, each built once."""

import pathlib
import shutil
import subprocess

from peer_bench.processes import ROOT, Failure, last_line


def git(*words: str) -> str:
    done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise Failure(f"git {words[0]}: {last_line(done.stderr)}")
    return done.stdout.strip()


def commit(reference: str) -> str:
    return git("rev-parse", "--verify", "--end-of-options", f"{reference}^{{commit}}")


def merge_base() -> str:
    """Where this branch left the main one."""
    for main in ("origin/main", "main", "origin/master", "master"):
        if subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--verify", "-q", main],
                          capture_output=True, check=False).returncode == 0:
            return git("merge-base", "HEAD", main)
    raise Failure("there is no branch main to find the merge base with; give --base")


def _logged(command: list, log: pathlib.Path) -> None:
    with log.open("a", encoding="utf-8") as file:
        done = subprocess.run([str(word) for word in command], stdout=file, stderr=file,
                              check=False)
    if done.returncode:
        raise Failure(f"{command[0]} failed with {done.returncode}; see {log}")


def build_head() -> pathlib.Path:
    """The build folder of this tree as it stands, uncommitted changes included. Installs what is
    missing of what the tests use, valgrind among it."""
    subprocess.run([ROOT / "scripts/bootstrap", "--for", "test"], check=False)
    script = '. "$0/scripts/build.sh" && build_preset "$0" release keep core/all replay/all'
    if subprocess.run(["bash", "-c", script, ROOT], check=False).returncode:
        raise Failure("the build failed; the lines above say why")
    return ROOT / "build/release"


def _built(sha: str, targets: list[str], products: list[str]) -> pathlib.Path:
    """The folder with the products of a commit, built in build/regress and kept there."""
    folder = ROOT / "build/regress" / sha
    if all((folder / product).exists() for product in products):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    source, build, log = folder / "source", folder / "build", folder / "build.log"
    shutil.rmtree(source, ignore_errors=True)
    try:
        _logged(["git", "clone", "-q", "--shared", "--no-checkout", ROOT, source], log)
        _logged(["git", "-C", source, "checkout", "-q", "--detach", sha], log)
        _logged(["cmake", "-S", source, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                 "-DCMAKE_CXX_FLAGS_RELEASE=-O2 -DNDEBUG", "-DALLOCREPLAY_UNITY=ON",
                 "-DALLOCREPLAY_TESTS=OFF"], log)
        _logged(["cmake", "--build", build, "--target", *targets], log)
        for product in products:
            (folder / product).parent.mkdir(parents=True, exist_ok=True)
            (build / product).replace(folder / product)
    finally:
        shutil.rmtree(source, ignore_errors=True)
        shutil.rmtree(build, ignore_errors=True)
    return folder


def library_of(sha: str) -> pathlib.Path:
    """libmem.so of a commit."""
    return _built(sha, ["mem"], ["lib/libmem.so"]) / "lib/libmem.so"


def programs_of(sha: str) -> pathlib.Path:
    """The folder with bin/allocreplay of a commit and what it replays with."""
    return _built(sha, ["core/all", "replay/all"],
                  ["lib/libmem.so", "bin/allocreplay-worker", "bin/allocreplay"])
