#!/usr/bin/env python3
"""Keeps traces/MANIFEST.json true to the traces beside it.

usage: manifest.py            fills in what follows from the files: hash, sizes, counts, provenance
       manifest.py --check    changes nothing; says whether there was something to fill in

Either way a line for each fault that is left, and exit 1 if there is any. What a person writes stays
as it is: "program", "what", "recipe", "licence". Does not judge the events: that is the work of
`allocreplay corpus verify`. Needs Python and, to fill in a trace that is new or another, allocreplay
(ALLOCREPLAY=path, default build/release/bin/allocreplay) for what only the events tell.
"""

import hashlib
import json
import os
import pathlib
import struct
import subprocess
import sys

TRACES = pathlib.Path(__file__).resolve().parent.parent
MANIFEST = TRACES / "MANIFEST.json"
WRITTEN_BY_HAND = ("program", "what", "recipe", "licence")
TOLD_BY_EVENTS = ("frees", "cross_thread_frees", "peak_live_bytes")

# What a clone can carry.
MAX_BYTES, MAX_BYTES_IN_ALL = 4_000_000, 60_000_000
# Where programs lie on every machine; other absolute paths are of the one that recorded.
PATHS_OF_ANY_MACHINE = ("/usr/", "/bin/", "/sbin/", "/lib/")
# Recorded before there was a rule: its command names a temporary folder.
NAMES_A_PATH = ("redis.trace",)


def header_of(data, name):
    """The fixed fields and the provenance of a version 1 trace (traces/README.md)."""
    if data[:8] != b"\x89ART\r\n\x1a\n" or struct.unpack_from("<H", data, 8)[0] != 1:
        sys.exit(f"{name}: not a trace of format version 1")
    meta_size = struct.unpack_from("<I", data, 20)[0]
    events, objects, threads = struct.unpack_from("<QQI", data, 24)
    provenance = json.loads(data[96 : 96 + meta_size])
    return {"events": events, "objects": objects, "threads": threads}, provenance


def packages_of(provenance):
    libraries = provenance["libraries"]
    parts = [libraries[key] for key in ("program", "allocator") if libraries.get(key)]
    return sorted({part["package"] for part in parts if part["package"]})


def figures_of_events(path):
    program = os.environ.get("ALLOCREPLAY", TRACES.parent / "build/release/bin/allocreplay")
    done = subprocess.run([program, "inspect", "--json", path], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        sys.exit(f"{path.name}: {done.stderr.strip()}")
    told = json.loads(done.stdout)
    return {"frees": told["ops"]["free"], "cross_thread_frees": told["cross_thread_frees"],
            "peak_live_bytes": told["peak_bytes"]["live_bytes"]}


def entry_of(path, previous, fill_in):
    data = path.read_bytes()
    counts, provenance = header_of(data, path.name)
    entry = {"file": path.name}
    entry.update({key: previous.get(key, "") for key in WRITTEN_BY_HAND})
    entry.update({"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)})
    entry.update(counts)
    figures = {key: previous.get(key) for key in TOLD_BY_EVENTS}
    if fill_in and (None in figures.values() or entry["sha256"] != previous.get("sha256")):
        figures = figures_of_events(path)
    entry.update(figures)
    entry.update(
        {
            "date": provenance["date"],
            "command": provenance["command"],
            "packages": packages_of(provenance),
            "distribution": provenance["host"]["distribution"],
            "recorder": provenance["recorder"]["version"],
            "losses": provenance["losses"],
        }
    )
    return entry


def recipe_faults(entries):
    recipes = {entry["recipe"] for entry in entries}
    present = {f"traces/recipes/{path.name}" for path in (TRACES / "recipes").glob("*.sh")
               if os.access(path, os.X_OK)}
    yield from (f"{recipe}: no such program, but a trace names it" for recipe in recipes - present)
    yield from (f"{recipe}: records no trace of the manifest" for recipe in present - recipes)


def faults(new, old):
    rows = {entry["file"] for entry in old["traces"]}
    files = {entry["file"] for entry in new["traces"]}
    yield from (f"{name}: has no row in MANIFEST.json" for name in files - rows)
    yield from (f"{name}: has a row in MANIFEST.json, but is not there" for name in rows - files)
    if files == rows and new != old:
        yield "MANIFEST.json does not fit the traces; run traces/recipes/manifest.py"
    for entry in new["traces"]:
        name = entry["file"]
        yield from (f"{name}: \"{key}\" is empty" for key in WRITTEN_BY_HAND if not entry[key])
        yield from (f"{name}: \"{key}\" is not filled in" for key in TOLD_BY_EVENTS
                    if entry[key] is None)
        if entry["bytes"] > MAX_BYTES:
            yield f"{name}: {entry['bytes']} bytes; at most {MAX_BYTES} are kept"
        yield from (f"{name}: its command names a path of one machine: {word}"
                    for word in entry["command"]
                    if word.startswith("/") and not word.startswith(PATHS_OF_ANY_MACHINE)
                    and name not in NAMES_A_PATH)
    if sum(entry["bytes"] for entry in new["traces"]) > MAX_BYTES_IN_ALL:
        yield f"the traces take more than {MAX_BYTES_IN_ALL} bytes together"
    yield from recipe_faults(new["traces"])


def main():
    fill_in = "--check" not in sys.argv[1:]
    old = json.loads(MANIFEST.read_text()) if MANIFEST.exists() else {"traces": []}
    previous = {entry["file"]: entry for entry in old["traces"]}
    new = {"schema": "allocreplay-traces", "schema_version": 1,
           "traces": [entry_of(path, previous.get(path.name, {}), fill_in)
                      for path in sorted(TRACES.glob("*.trace"))]}
    if fill_in:
        unfinished = MANIFEST.with_name(f"{MANIFEST.name}.{os.getpid()}.tmp")
        unfinished.write_text(json.dumps(new, indent=2) + "\n")
        unfinished.replace(MANIFEST)
        old = new
    found = sorted(faults(new, old))
    for fault in found:
        print(fault, file=sys.stderr)
    sys.exit(1 if found else 0)


main()
