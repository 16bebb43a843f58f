"""Raw samples in a file of JSON lines: one a line, appended as soon as it is measured.

A line is {"kind": "sample", "scale", "suite", "job", "allocator", "round", "values"}, with "error" in
place of "values" where a measurement failed, or {"kind": "library", "allocator", "sha256"}: which
build the samples of an allocator belong to. A last line that was cut short is dropped.
"""

import json
import os
import pathlib

Key = tuple[str, str, str, str, int]


class StateError(Exception):
    """A state file that cannot be gone on with; the message says what to do."""


class State:
    def __init__(self, path: pathlib.Path, fresh: bool = False):
        self.path = path
        self.samples: dict[Key, dict] = {}
        self._libraries: dict[tuple[str, str], str] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        if fresh:
            path.unlink(missing_ok=True)
        if path.exists():
            self._read()

    def _read(self) -> None:
        data = self.path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole != len(data):
            os.truncate(self.path, whole)
        for number, line in enumerate(data[:whole].decode().splitlines(), 1):
            try:
                entry = json.loads(line)
                if entry["kind"] == "sample":
                    self.samples[self._key(entry)] = entry
                elif entry["kind"] == "library":
                    self._libraries[entry["scale"], entry["allocator"]] = entry["sha256"]
            except (ValueError, KeyError, TypeError) as error:
                raise StateError(f"{self.path}:{number}: not a line of samples; --fresh starts over"
                                 ) from error

    @staticmethod
    def _key(entry: dict) -> Key:
        return (entry["scale"], entry["suite"], entry["job"], entry["allocator"], entry["round"])

    def _append(self, entry: dict) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")

    def identify(self, scale: str, allocator: str, sha256: str) -> None:
        """Says which build the samples are of; StateError if there are some of another one."""
        known = self._libraries.get((scale, allocator))
        if known is None:
            self._libraries[scale, allocator] = sha256
            self._append({"kind": "library", "scale": scale, "allocator": allocator,
                          "sha256": sha256})
        elif known != sha256:
            raise StateError(f"{self.path} holds samples of another build of {allocator}: "
                             "--fresh starts over, --state FILE keeps them")

    def done(self, scale: str, suite: str, job: str, allocator: str, round_: int) -> bool:
        """Whether it was measured; what failed is not done and is tried again."""
        return "values" in self.samples.get((scale, suite, job, allocator, round_), {})

    def add(self, scale: str, suite: str, job: str, allocator: str, round_: int,
            outcome: dict) -> None:
        """`outcome` is {"values": {...}} or {"error": "..."}."""
        entry = {"kind": "sample", "scale": scale, "suite": suite, "job": job,
                 "allocator": allocator, "round": round_, **outcome}
        self.samples[self._key(entry)] = entry
        self._append(entry)
