"""Raw samples in a file of JSON lines: one a line, appended as soon as it is measured.

A line is {"kind": "sample", "scale", "suite", "job", "allocator", "round", "session", "values"},
with "error" in place of "values" where a measurement failed; {"kind": "identity", "scale", "of",
"sha256"}: which build of an allocator, or which work of a suite, the samples belong to; or {"kind":
"forgotten", "scale", "allocator"}: what stood before of that allocator no longer counts. The
session says which samples one call of a script took. A last line that was cut short is dropped.
The file is locked by who measures into it: a second run beside the first would spoil both.
"""

import datetime
import fcntl
import json
import os
import pathlib

Key = tuple[str, str, str, str, int]


class StateError(Exception):
    """A state file that cannot be gone on with; the message says what to do."""


class State:
    def __init__(self, path: pathlib.Path, fresh: bool = False):
        self.path = path
        self.session = datetime.datetime.now(datetime.timezone.utc).isoformat()
        self.samples: dict[Key, dict] = {}
        self._identities: dict[tuple[str, str], str] = {}
        self._forgotten: set[tuple[str, str]] = set()
        path.parent.mkdir(parents=True, exist_ok=True)
        # Never closed: with any descriptor of the file that a process closes its lock is gone.
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StateError(f"{path} is locked by another run, which has to end first: {error}"
                             ) from error
        if fresh:
            os.truncate(self._file, 0)
        self._read()

    def _read(self) -> None:
        data = os.pread(self._file, os.fstat(self._file).st_size, 0)
        whole = data.rfind(b"\n") + 1
        if whole != len(data):
            os.truncate(self._file, whole)
        for number, line in enumerate(data[:whole].decode().splitlines(), 1):
            try:
                entry = json.loads(line)
                if entry["kind"] == "sample":
                    self.samples[self._key(entry)] = entry
                elif entry["kind"] == "identity":
                    self._identities[entry["scale"], entry["of"]] = entry["sha256"]
                elif entry["kind"] == "forgotten":
                    self._drop(entry["scale"], entry["allocator"])
            except (ValueError, KeyError, TypeError) as error:
                raise StateError(f"{self.path}:{number}: not a line of samples; --fresh starts over"
                                 ) from error

    @staticmethod
    def _key(entry: dict) -> Key:
        return (entry["scale"], entry["suite"], entry["job"], entry["allocator"], entry["round"])

    def _append(self, entry: dict) -> None:
        os.write(self._file, json.dumps(entry).encode() + b"\n")

    def identify(self, scale: str, what: str, sha256: str, **of: str) -> None:
        """Says what the samples with these "suite", "job" or "allocator" are of; StateError if
        there are some of another version of it."""
        known = self._identities.get((scale, what))
        if known == sha256:
            return
        wanted = {"scale": scale, **of}
        if known is not None and any(
                "values" in entry and all(entry[key] == wanted[key] for key in wanted)
                for entry in self.samples.values()):
            again = "--again NAME measures one allocator anew, " if "allocator" in of else ""
            raise StateError(f"{self.path} holds samples of another version of {what}: --fresh "
                             f"starts over, {again}--state FILE keeps them")
        self._identities[scale, what] = sha256
        self._append({"kind": "identity", "scale": scale, "of": what, "sha256": sha256})

    def _drop(self, scale: str, allocator: str) -> None:
        self.samples = {key: entry for key, entry in self.samples.items()
                        if (key[0], key[3]) != (scale, allocator)}
        self._identities.pop((scale, allocator), None)
        self._forgotten.add((scale, allocator))

    def forget(self, scale: str, allocator: str) -> None:
        """Its samples no longer count; those of the others do, though taken at another time."""
        self._drop(scale, allocator)
        self._append({"kind": "forgotten", "scale": scale, "allocator": allocator})

    def forgotten(self, scale: str) -> set[str]:
        """The allocators that are measured anew while the others' samples are kept."""
        return {name for where, name in self._forgotten if where == scale}

    def done(self, scale: str, suite: str, job: str, allocator: str, round_: int) -> bool:
        """Whether it was measured; what failed is not done and is tried again."""
        return "values" in self.samples.get((scale, suite, job, allocator, round_), {})

    def add(self, scale: str, suite: str, job: str, allocator: str, round_: int,
            outcome: dict) -> None:
        """`outcome` is {"values": {...}} or {"error": "..."}."""
        entry = {"kind": "sample", "scale": scale, "suite": suite, "job": job,
                 "allocator": allocator, "round": round_, "session": self.session, **outcome}
        self.samples[self._key(entry)] = entry
        self._append(entry)
