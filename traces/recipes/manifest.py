#!/usr/bin/env python3
"""Keeps traces/MANIFEST.json true to the traces beside it.

usage: manifest.py            fills in what follows from the files: hash, sizes, counts, provenance
       manifest.py --check    changes nothing; exit 1 if anything differs

What a person writes stays as it is: "what", "recipe", "licence". Needs nothing but Python.
"""

import hashlib
import json
import pathlib
import struct
import sys

TRACES = pathlib.Path(__file__).resolve().parent.parent
MANIFEST = TRACES / "MANIFEST.json"
WRITTEN_BY_HAND = ("what", "recipe", "licence")


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


def entry_of(path, previous):
    data = path.read_bytes()
    counts, provenance = header_of(data, path.name)
    entry = {"file": path.name}
    entry.update({key: previous.get(key, "") for key in WRITTEN_BY_HAND})
    entry.update({"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)})
    entry.update(counts)
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


def main():
    old = json.loads(MANIFEST.read_text()) if MANIFEST.exists() else {"traces": []}
    previous = {entry["file"]: entry for entry in old["traces"]}
    entries = [entry_of(path, previous.get(path.name, {})) for path in sorted(TRACES.glob("*.trace"))]
    for entry in entries:
        for key in WRITTEN_BY_HAND:
            if not entry[key]:
                print(f"{entry['file']}: \"{key}\" is empty in MANIFEST.json", file=sys.stderr)
    new = {"schema": "allocreplay-traces", "schema_version": 1, "traces": entries}
    if "--check" in sys.argv[1:]:
        if new != old or not all(entry[key] for entry in entries for key in WRITTEN_BY_HAND):
            sys.exit("MANIFEST.json does not fit the traces; run traces/recipes/manifest.py")
        return
    MANIFEST.write_text(json.dumps(new, indent=2) + "\n")


main()
