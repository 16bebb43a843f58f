"""The allocators that are compared, and whether each really replaces malloc here."""

import pathlib
import subprocess
from dataclasses import dataclass

from peer_bench import processes
from peer_bench.processes import BIN, ROOT, Failure

BASELINE = "glibc"
SUBJECT = "mem"
LIBRARY_FOLDERS = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64",
                   "/usr/lib")
# Debian's package and the files of it that may replace malloc, the likeliest first.
PEERS = {
    "jemalloc": ("libjemalloc2", ["libjemalloc.so.2"]),
    "mimalloc": ("libmimalloc2.0", ["libmimalloc.so.2.0", "libmimalloc.so.2"]),
    "tcmalloc": ("libtcmalloc-minimal4", ["libtcmalloc_minimal.so.4"]),
    "tbbmalloc": ("libtbbmalloc2", ["libtbbmalloc_proxy.so.2", "libtbbmalloc.so.2"]),
}
KNOWN = [BASELINE, SUBJECT, *PEERS]


def _in_folders(file: str) -> pathlib.Path | None:
    found = (pathlib.Path(folder, file) for folder in LIBRARY_FOLDERS)
    return next((path for path in found if path.exists()), None)


class Unusable(Exception):
    """An allocator that was asked for and cannot be measured; the message says why."""


@dataclass(frozen=True)
class Allocator:
    name: str
    kind: str  # "baseline", "subject", "peer" or "floor"
    library: pathlib.Path | None = None  # what is preloaded; None for glibc and the floor
    package: str | None = None
    version: str | None = None
    missing: str | None = None  # why it cannot be measured

    @property
    def preload(self) -> str | None:
        return str(self.library) if self.library else None

    def fingerprint(self) -> str:
        """Of its library; "" of the floor, which has none, and of what is missing."""
        library = _in_folders("libc.so.6") if self.kind == "baseline" else self.library
        return processes.fingerprint([library]) if library else ""


# Not an allocator but what patterns are held against; peer_patterns --floor.
FLOOR = Allocator("floor", "floor")


def replaces_malloc(library: pathlib.Path) -> bool:
    """Whether a program that is started with it preloaded calls its malloc."""
    env = processes.environment(str(library), LD_DEBUG="bindings", LD_BIND_NOW="1")
    done = subprocess.run([BIN / "peer_patterns", "--list"], env=env, capture_output=True,
                          text=True, errors="replace", timeout=30, check=False)
    names = {str(library), str(library.resolve())}
    return done.returncode == 0 and any(
        "peer_patterns" in line.split(" to ")[0] and "symbol `malloc'" in line
        and any(f" to {name} " in line for name in names)
        for line in done.stderr.splitlines() if " to " in line)


def package_version(package: str) -> str | None:
    try:
        return processes.run(["dpkg-query", "-W", "-f", "${Version}", package], 30,
                             processes.environment()) or None
    except Failure:
        return None


def _peer(name: str) -> Allocator:
    package, files = PEERS[name]
    for file in files:
        for folder in LIBRARY_FOLDERS:
            path = pathlib.Path(folder, file)
            if path.exists() and replaces_malloc(path):
                return Allocator(name, "peer", path, package, package_version(package))
    return Allocator(name, "peer", package=package, missing="not installed")


def _given(name: str, text: str) -> Allocator:
    path = pathlib.Path(text).resolve()
    if not path.is_file():
        raise Unusable(f"{name}={text}: no such file")
    if not replaces_malloc(path):
        raise Unusable(f"{name}={text}: preloaded, it does not replace malloc")
    return Allocator(name, "subject" if name == SUBJECT else "peer", path)


def parse(text: str) -> list[tuple[str, str | None]]:
    """[(name, path or None)] of a list such as glibc,mem,new=./libnew.so; glibc comes always."""
    result: dict[str, str | None] = {BASELINE: None}
    for word in filter(None, (part.strip() for part in text.split(","))):
        name, equals, path = word.partition("=")
        if equals and (not name or not path or name in (BASELINE, FLOOR.name)):
            raise ValueError(f"'{word}' is not NAME=PATH with a name of your own")
        if not equals and name not in KNOWN:
            raise ValueError(f"unknown allocator '{name}': give one of {', '.join(KNOWN)} "
                             "or NAME=PATH")
        result[name] = path or None
    return list(result.items())


def find(wanted: list[tuple[str, str | None]]) -> list[Allocator]:
    """pre: peer_patterns is built."""
    result = []
    for name, path in wanted:
        if path:
            result.append(_given(name, path))
        elif name == BASELINE:
            result.append(Allocator(name, "baseline", None, "libc6", package_version("libc6")))
        elif name == SUBJECT:
            result.append(_given(name, str(ROOT / "build/release/lib/libmem.so")))
        else:
            result.append(_peer(name))
    return result
