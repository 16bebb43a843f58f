#!/usr/bin/python3
"""A second reader of trace format v1, written from traces/README.md alone.

    read_trace.py FILE [FROM:TO]     prints events as `allocreplay inspect --events` does
"""

import json
import struct
import sys
import zlib

import zstandard

OPS = ("malloc", "calloc", "aligned", "realloc", "free")
ALIGNED, REALLOC, FREE = 2, 3, 4
STREAMED = 1
SITES = 2
TOUCHED = 4
COLUMNS = ("event", "time_ns", "thread", "op", "object", "size", "align_log2")


class TraceError(Exception):
    """The file is not as the specification says."""


def expect(condition, offset, what):
    if not condition:
        raise TraceError(f"at byte {offset}: {what}")


def varints(column, count=None):
    """The values of a column: all there are, or exactly `count`."""
    values = []
    value = shift = 0
    for byte in column:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte & 0x80:
            expect(shift < 70, 0, "varint longer than ten bytes")
        else:
            expect(value < 1 << 64, 0, "varint above 64 bits")
            values.append(value)
            value = shift = 0
    expect(shift == 0, 0, "varint cut short")
    expect(count is None or len(values) == count, 0, "column does not add up")
    return values


class Trace:
    """Header fields as attributes; iterating gives (time_ns, thread, op, object, size, align, site,
    touched)."""

    def __init__(self, data):
        self.data = data
        expect(data[:8] == b"\x89ART\r\n\x1a\n", 0, "not a trace file")
        (self.version_major, self.version_minor, features, self.header_size, meta_size,
         self.event_count, self.object_count, self.thread_count, self.time_unit_ns,
         self.start_unix_ns, self.index_offset, self.lost_events, self.block_count, status,
         _, crc, _) = struct.unpack_from("<HHIIIQQIIQQQIIQII", data, 8)
        expect(self.version_major == 1, 8, "unknown major version")
        expect(features & ~(STREAMED | SITES | TOUCHED) == 0, 12, "unknown required feature")
        self.has_sites, self.has_touched = bool(features & SITES), bool(features & TOUCHED)
        self.stacks = None  # of a trace that has them, when all events were read
        expect(96 + meta_size <= self.header_size <= 1 << 24, 16, "header size")
        header = bytearray(data[:self.header_size])
        expect(len(header) == self.header_size, len(data), "header cut short")
        header[88:92] = bytes(4)
        expect(zlib.crc32(header) == crc, 88, "header checksum")
        self.provenance = json.loads(header[96:96 + meta_size])
        expect(isinstance(self.provenance, dict), 96, "provenance is no object")
        expect(self.time_unit_ns >= 1, 44, "time unit")
        self.streamed = bool(features & STREAMED)
        if self.streamed:
            self.read_trailer()
            return
        expect(status & 1, 76, "not finished")
        expect(len(data) == self.index_offset + 12 + 24 * self.block_count, len(data), "file size")

    def read_trailer(self):
        """Sets what an ordinary header says; index_offset is where the blocks end."""
        size, crc = struct.unpack("<II", self.data[-8:])
        at = self.index_offset = len(self.data) - size
        expect(56 <= size <= 1 << 24 and at >= self.header_size, len(self.data), "trailer size")
        (magic, again, self.event_count, self.object_count, self.lost_events, self.thread_count,
         meta_size, _) = struct.unpack_from("<4sIQQQIIQ", self.data, at)
        expect(magic == b"AEND" and again == size, at, "trailer head")
        expect(zlib.crc32(self.data[at:-4]) == crc, at, "trailer checksum")
        expect(56 + meta_size <= size, at, "provenance of the trailer")
        self.provenance = json.loads(self.data[at + 48:at + 48 + meta_size])
        expect(isinstance(self.provenance, dict), at, "provenance is no object")

    def index(self):
        """(offset, first_event, first_time) of each block; none if streamed."""
        if self.streamed:
            return None
        at = self.index_offset
        magic, count = struct.unpack_from("<4sI", self.data, at)
        expect(magic == b"AIDX" and count == self.block_count, at, "index head")
        (crc,) = struct.unpack_from("<I", self.data, at + 8 + 24 * count)
        expect(zlib.crc32(self.data[at:at + 8 + 24 * count]) == crc, at, "index checksum")
        return [struct.unpack_from("<QQQ", self.data, at + 8 + 24 * i) for i in range(count)]

    def __iter__(self):
        at = self.header_size
        events = objects = time = threads = blocks = 0
        index = self.index()
        wide = self.has_sites or self.has_touched
        while at < self.index_offset:
            head = self.data[at:at + 48]
            if self.has_sites and head[:4] == b"ASIT":
                at = self.read_sites(at)
                break
            (magic, count, first_event, first_time, before, compressed, raw_size, _,
             crc) = struct.unpack("<4sIQQQIIII", head)
            expect(magic == b"ABLK", at, "block magic")
            expect(zlib.crc32(head[:44]) == crc, at, "head checksum")
            expect(1 <= count <= 65536, at, "event count")
            least, most = (32, 32 + 50 * count) if wide else (24, 24 + 40 * count)
            expect(least <= raw_size <= most, at, "raw size")
            expect(compressed <= raw_size + raw_size // 128 + 1024, at, "compressed size")
            expect((first_event, before) == (events, objects), at, "block does not continue")
            expect(first_time >= time, at, "time goes back")
            expect(not index or index[blocks] == (at, first_event, first_time), at, "index says otherwise")
            end = at + 48 + compressed
            expect(end <= self.index_offset, at, "block cut short")
            for event in self.block(at, count, first_time, before, raw_size, self.data[at + 48:end]):
                time = event[0] // self.time_unit_ns
                threads = max(threads, event[1] + 1)
                objects += event[2] < REALLOC
                events += 1
                yield event
            blocks += 1
            at = end
        expect(at == self.index_offset, at, "blocks do not end at the index")
        expect(not self.has_sites or self.stacks is not None, at, "no call sites")
        expect((events, objects, threads, blocks) ==
               (self.event_count, self.object_count, self.thread_count,
                blocks if self.streamed else self.block_count), at, "counts")

    def block(self, at, count, time, births, raw_size, frame):
        expect(frame[4] & 4, at, "no content checksum")
        decompressor = zstandard.ZstdDecompressor().decompressobj()
        raw = decompressor.decompress(frame)
        expect(len(raw) == raw_size and not decompressor.unused_data, at, "payload size")
        columns = []
        columns_count = 8 if self.has_sites or self.has_touched else 6
        position = 4 * columns_count
        for size in struct.unpack_from(f"<{columns_count}I", raw):
            columns.append(raw[position:position + size])
            position += size
        expect(position == raw_size, at, "column sizes")
        ops, threads, sizes, distances, aligns, times = columns[:6]
        sites, touched = (columns + [b"", b""])[6:8]
        expect(len(ops) == count and max(ops) <= FREE, at, "ops")
        pairs = varints(threads)
        expect(len(pairs) % 2 == 0 and 0 not in pairs[1::2], at, "thread runs")
        threads = [t for t, run in zip(pairs[::2], pairs[1::2]) for _ in range(run)]
        expect(len(threads) == count and max(threads) < self.thread_count, at, "threads")
        named = ops.count(REALLOC) + ops.count(FREE)
        sizes = iter(varints(sizes, count - ops.count(FREE)))
        distances = iter(varints(distances, named))
        expect(len(aligns) == ops.count(ALIGNED) and all(a < 64 for a in aligns), at, "aligns")
        aligns = iter(aligns)
        times = varints(times, count)
        expect(times[0] == 0, at, "first time")
        sites = varints(sites, count - ops.count(FREE) if self.has_sites else 0)
        touched = varints(touched, named if self.has_touched else 0)
        expect(all(n < 1 << 32 for n in sites + touched), at, "site or pages above 32 bits")
        sites, touched = iter(sites), iter(touched)
        for op, thread, delta in zip(ops, threads, times):
            time += delta
            expect(time * self.time_unit_ns < 1 << 64, at, "time above 64 bits")
            if op < REALLOC:
                number = births
                births += 1
            else:
                distance = next(distances)
                expect(1 <= distance <= births, at, "distance")
                number = births - distance
            yield (time * self.time_unit_ns, thread, op, number,
                   next(sizes) if op != FREE else 0, next(aligns) if op == ALIGNED else 0,
                   next(sites, 0) if op != FREE else 0, next(touched, 0) if op >= REALLOC else 0)

    def read_sites(self, at):
        """Sets stacks: of each, [(function or None, module or None, offset, file, line)], the
        innermost frame first. Returns where the section ends."""
        head = self.data[at:at + 48]
        compressed, raw_size = struct.unpack_from("<II", head, 4)
        expect(zlib.crc32(head[:44]) == struct.unpack_from("<I", head, 44)[0], at, "sites checksum")
        expect(20 <= raw_size <= 1 << 28, at, "raw size of the sites")
        end = at + 48 + compressed
        expect(end <= self.index_offset, at, "sites cut short")
        raw = zstandard.ZstdDecompressor().decompressobj().decompress(self.data[at + 48:end])
        expect(len(raw) == raw_size, at, "size of the sites")
        counts = struct.unpack_from("<5I", raw)
        position = 20

        def number(most):
            nonlocal position
            length = next(i for i in range(10) if raw[position + i] < 0x80) + 1
            (value,) = varints(raw[position:position + length], 1)
            expect(value <= most, at, "number in the sites")
            position += length
            return value

        def text():
            nonlocal position
            length = number(raw_size)
            position += length
            expect(position <= raw_size, at, "text in the sites")
            return raw[position - length:position].decode(errors="replace")

        any32, any64 = (1 << 32) - 1, (1 << 64) - 1
        strings = [None] + [text() for _ in range(counts[0])]
        modules = [None] + [(text(), text())[0] for _ in range(counts[1])]
        frames = [(number(counts[1]), number(any64), number(counts[0]), number(counts[0]),
                   number(any32)) for _ in range(counts[2])]
        nodes = [None]
        for _ in range(counts[3]):
            nodes.append((number(len(nodes) - 1), number(counts[2] - 1)))
        self.stacks = []
        for _ in range(counts[4]):
            node, stack = number(counts[3]), []
            while node:
                module, offset, function, file, line = frames[nodes[node][1]]
                stack.append((strings[function], modules[module], offset, strings[file], line))
                node = nodes[node][0]
            self.stacks.append(stack)
        expect(position == raw_size, at, "bytes after the sites")
        return end


def lines(trace):
    """The events as tab-separated lines, with a line of titles first."""
    further = (["site"] if trace.has_sites else []) + (["touched"] if trace.has_touched else [])
    yield "\t".join([*COLUMNS, *further])
    for number, (time, thread, op, name, size, align, site, touched) in enumerate(trace):
        line = f"{number}\t{time}\t{thread}\t{OPS[op]}\t{name}\t{size}\t{align}"
        line += f"\t{site}" if trace.has_sites else ""
        yield line + (f"\t{touched}" if trace.has_touched else "")


def main():
    with open(sys.argv[1], "rb") as file:
        trace = Trace(file.read())
    begin, _, end = (sys.argv[2] if len(sys.argv) > 2 else ":").partition(":")
    for number, line in enumerate(lines(trace)):
        if number == 0 or int(begin or 0) <= number - 1 < int(end or trace.event_count):
            print(line)


if __name__ == "__main__":
    main()
