"""How many anonymous bytes of a process are its heap's, by /proc/PID/smaps.

Heap: [heap] and mappings without a name, which is where a malloc gets its memory; also what a
program maps itself without a file, and thread stacks, which a replay does not have. Not heap: what
follows a file's mapping without a gap (its zeroed data), the stack, private copies of file pages.
"""

import pathlib
import re
from dataclasses import dataclass

_HEAD = re.compile(rb"^([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ (\d+) *(.*)$")


@dataclass(frozen=True)
class Resident:
    heap_bytes: int
    other_bytes: int  # anonymous all the same
    rss_bytes: int = 0
    high_water_bytes: int = 0  # the most that rss_bytes ever was


def parse(text: bytes) -> Resident:
    heap = other = 0
    file_end, is_heap = -1, False
    for line in text.splitlines():
        head = _HEAD.match(line)
        if head:
            start, end = int(head[1], 16), int(head[2], 16)
            name = head[4]
            if int(head[3]) != 0:
                is_heap, file_end = False, end
            elif name in (b"", b"[heap]") or name.startswith(b"[anon:"):
                is_heap = not (name == b"" and start == file_end)
                file_end = -1
            else:
                is_heap, file_end = False, -1
        elif line.startswith(b"Anonymous:"):
            size = int(line.split()[1]) * 1024
            if is_heap:
                heap += size
            else:
                other += size
    return Resident(heap, other)


def read(pid: int) -> Resident | None:
    """None once the process has no memory any more."""
    folder = pathlib.Path(f"/proc/{pid}")
    try:
        parsed = parse((folder / "smaps").read_bytes())
        fields = dict(line.split(":", 1) for line in
                      (folder / "status").read_text(encoding="utf-8").splitlines())
    except (FileNotFoundError, ProcessLookupError):
        return None
    if "VmHWM" not in fields:
        return None
    rss, high_water = (int(fields[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
    return Resident(parsed.heap_bytes, parsed.other_bytes, rss, high_water)


def peak_heap_bytes(samples: list[Resident]) -> int:
    """The most that the heap held. A spike between two samples shows in the high-water mark alone,
    and it is the heap's: all else of a program is there from its start."""
    sampled = max(sample.heap_bytes for sample in samples)
    missed = samples[-1].high_water_bytes - max(sample.rss_bytes for sample in samples)
    return sampled + max(missed, 0)
