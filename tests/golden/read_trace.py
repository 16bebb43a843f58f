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
    """Header fields as attributes; iterating gives (time_ns, thread, op, object, size, align)."""

    def __init__(self, data):
        self.data = data
        expect(data[:8] == b"\x89ART\r\n\x1a\n", 0, "not a trace file")
        (self.version_major, self.version_minor, features, self.header_size, meta_size,
         self.event_count, self.object_count, self.thread_count, self.time_unit_ns,
         self.start_unix_ns, self.index_offset, self.lost_events, self.block_count, status,
         _, crc, _) = struct.unpack_from("<HHIIIQQIIQQQIIQII", data, 8)
        expect(self.version_major == 1, 8, "unknown major version")
        expect(features & ~STREAMED == 0, 12, "unknown required feature")
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
        while at < self.index_offset:
            head = self.data[at:at + 48]
            (magic, count, first_event, first_time, before, compressed, raw_size, _,
             crc) = struct.unpack("<4sIQQQIIII", head)
            expect(magic == b"ABLK", at, "block magic")
            expect(zlib.crc32(head[:44]) == crc, at, "head checksum")
            expect(1 <= count <= 65536, at, "event count")
            expect(24 <= raw_size <= 24 + 40 * count, at, "raw size")
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
        expect((events, objects, threads, blocks) ==
               (self.event_count, self.object_count, self.thread_count,
                blocks if self.streamed else self.block_count), at, "counts")

    def block(self, at, count, time, births, raw_size, frame):
        expect(frame[4] & 4, at, "no content checksum")
        decompressor = zstandard.ZstdDecompressor().decompressobj()
        raw = decompressor.decompress(frame)
        expect(len(raw) == raw_size and not decompressor.unused_data, at, "payload size")
        columns = []
        position = 24
        for size in struct.unpack_from("<6I", raw):
            columns.append(raw[position:position + size])
            position += size
        expect(position == raw_size, at, "column sizes")
        ops, threads, sizes, distances, aligns, times = columns
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
                   next(sizes) if op != FREE else 0, next(aligns) if op == ALIGNED else 0)


def lines(trace):
    """The events as tab-separated lines, with a line of titles first."""
    yield "\t".join(COLUMNS)
    for number, (time, thread, op, name, size, align) in enumerate(trace):
        yield f"{number}\t{time}\t{thread}\t{OPS[op]}\t{name}\t{size}\t{align}"


def main():
    with open(sys.argv[1], "rb") as file:
        trace = Trace(file.read())
    begin, _, end = (sys.argv[2] if len(sys.argv) > 2 else ":").partition(":")
    for number, line in enumerate(lines(trace)):
        if number == 0 or int(begin or 0) <= number - 1 < int(end or trace.event_count):
            print(line)


if __name__ == "__main__":
    main()
