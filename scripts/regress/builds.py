"""The library of this tree and of another commit, each built once."""

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
    """The build folder of this tree as it stands, uncommitted changes included."""
    subprocess.run([ROOT / "scripts/bootstrap", "--for", "replay"], check=False)
    script = '. "$0/scripts/build.sh" && build_preset "$0" release keep core/all replay/all'
    if subprocess.run(["bash", "-c", script, ROOT], check=False).returncode:
        raise Failure("the build failed; the lines above say why")
    return ROOT / "build/release"


def library_of(sha: str) -> pathlib.Path:
    """libmem.so of a commit, built in build/regress and kept there."""
    folder = ROOT / "build/regress" / sha
    library = folder / "libmem.so"
    if library.exists():
        return library
    folder.mkdir(parents=True, exist_ok=True)
    source, log = folder / "source", folder / "build.log"
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir()
    with subprocess.Popen(["git", "-C", str(ROOT), "archive", sha, ":(exclude)traces/*.trace"],
                          stdout=subprocess.PIPE) as archive:
        unpacked = subprocess.run(["tar", "-x", "-C", str(source)], stdin=archive.stdout,
                                  check=False)
    if archive.returncode or unpacked.returncode:
        raise Failure(f"cannot unpack {sha}")
    try:
        _logged(["cmake", "-S", source, "-B", folder / "build", "-G", "Ninja",
                 "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_CXX_FLAGS_RELEASE=-O2 -DNDEBUG",
                 "-DALLOCREPLAY_TESTS=OFF"], log)
        _logged(["cmake", "--build", folder / "build", "--target", "mem"], log)
        (folder / "build/lib/libmem.so").replace(library)
    finally:
        shutil.rmtree(source, ignore_errors=True)
        shutil.rmtree(folder / "build", ignore_errors=True)
    return library
