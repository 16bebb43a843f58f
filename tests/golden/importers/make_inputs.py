#!/usr/bin/env python3
"""The golden inputs of binary formats whose tools Debian does not have, byte by byte.

make_inputs.py writes them beside itself; make_inputs.py --check says which differ.
"""
import io
import pathlib
import struct
import sys
import zipfile

FOLDER = pathlib.Path(__file__).resolve().parent

# Addresses as a heap has them.
A, B, C, D, E, F = (0x7F1200000010 + 0x40 * i for i in range(6))


def dj_record(thread, kind, ptr1=0, ptr2=0, size=0, size2=0, flags=0, word="Q"):
    return struct.pack(f"<iI7{word}", thread, kind | flags, ptr1, ptr2, size, size2, 0, 0, 0)


REALLOC_CALLED_MALLOC = 1 << 14


def dj_trace(word="Q", bits=64):
    def record(*fields, **named):
        return dj_record(*fields, word=word, **named)

    a, b, c, d, e = (address & ((1 << min(bits, 47)) - 1) for address in (A, B, C, D, E))
    return b"".join([
        record(7000, 255, 0x1234, 0, bits // 8),
        record(7000, 1, 0, a, 24),
        record(7000, 2, 0, b, 120),
        record(7001, 1, 0, b, 77),  # before the free of the block that was there
        record(7000, 3, b),
        record(7000, 4, a, c, 5000, flags=REALLOC_CALLED_MALLOC),
        record(7000, 1, 0, c, 5000),  # the two calls within that realloc
        record(7000, 3, a),
        record(7001, 5, 0, d, 200, 64),
        record(7001, 6, 0, e, 10),
        record(7001, 8, 12, 0, 1 << 30, 4096),  # ENOMEM
        record(7001, 8, 0, a, 300, 256),
        record(7000, 4, 0, e + 0x10000, 5),
        record(7000, 4, e + 0x10000, 0, 0),
        record(7000, 3, 0),
        record(7001, 3, d),
        record(7001, 3, e),
        record(7001, 3, a),
        record(7000, 3, c),
        record(7001, 3, b),
        record(0, 0),
    ])


def wl_number(value):
    groups = [value & 127]
    while value > 127:
        value >>= 7
        groups.append(value & 127 | 128)
    return bytes(reversed(groups))


def wl(code, *numbers):
    return bytes([code]) + b"".join(map(wl_number, numbers))


def dj_workload():
    first = (wl(2, 1, 1000) + wl(3, 2, 120) + wl(6, 1) + wl(12, 3, 64, 200) + wl(4, 4, 1, 2000)
             + wl(7, 2) + wl(5, 4) + wl(5, 0) + wl(1))
    second = (wl(7, 1) + wl(5, 2) + wl(13, 5, 10) + wl(2, 0, 1 << 40) + wl(6, 2) + wl(5, 3)
              + wl(5, 5) + wl(0) + wl(1))
    main_bytes = 2 + 2 + 2 + 2 * 2 + 1
    main = (wl(8, 6) + wl(9, 2) + wl(10, 2) + wl(11, main_bytes)
            + wl(11, main_bytes + len(first)) + wl(1))
    assert len(main) == main_bytes
    return main + first + second


def apple_replay():
    def op(code, core, form, *fields):
        return struct.pack("<BB" + form, code, core, *fields)

    return b"".join([
        op(1, 0, "QI", A, 24),
        op(5, 0, "QII", B, 3, 40),
        op(4, 3, "QII", C, 64, 200),
        op(6, 3, "QI", D, 10),
        op(3, 0, "QQI", A, E, 1000),
        op(2, 3, "Q", B),
        op(3, 3, "QQI", 0, A, 8),
        op(2, 0, "Q", 0x600000000000),  # unknown
        *(op(2, 0, "Q", address) for address in (A, C, D, E)),
    ])


def webkit_ops():
    def op(code, thread, align_log2, slot, size=0):
        return struct.pack("<iHHQQ", code, thread, align_log2, slot, size)

    return b"".join([
        op(0, 0, 0, 0, 24),
        op(3, 0, 6, 1, 200),
        op(0, 2, 0, 2, 77),
        op(2, 2, 0, 0, 1000),
        op(3, 1, 0xFFFF, 3, 33),
        op(1, 2, 0, 1),
        op(0, 0, 0, 2, 5),  # the slot is taken
        op(1, 0, 0, 9),  # nothing is there
        op(2, 0, 0, 2, 0),
        op(1, 0, 0, 0),
        op(1, 0, 0, 2),
        op(1, 0, 0, 3),
    ])


CALLS = [(1, 0, 1000, 24), (1, 1, 1500, 120), (3, 0, 2500, 1000), (2, 1, 2500, 0),
         (1, 1, 4000, 7), (2, 0, 5000, 0)]


def words(*values):
    return struct.pack(f"<{len(values)}Q", *values)


def bytehound_counted():
    """The first layout; two operations were filtered out but counted."""
    return words(2, len(CALLS) + 2) + b"".join(words(*call) for call in CALLS)


def bytehound_ended():
    down, up = 4, 5
    return words(2) + b"".join([
        words(down, 0, 0, 0), words(down, 3, 0, 0), *(words(*call) for call in CALLS[:3]),
        words(up, 0, 0, 0), *(words(*call) for call in CALLS[3:])]) + words(0)


def chattymalloc(duration):
    def record(function, thread, pointer, size=0, argument=0):
        start = struct.pack("<qq", 0, 81 * function) if duration else b""
        return start + struct.pack("<QQQiB", pointer, size, argument, thread, function)

    return b"".join([
        record(1, 500, A, 24),
        record(4, 500, B, 40, 3),
        record(3, 500, C, 1000, A),
        record(5, 501, D, 200, 64),
        record(2, 501, B),
        record(6, 501, B, 300, 256),
        record(7, 501, E, 10),
        record(9, 501, F, 128, 32),
        record(3, 500, 0, 0, C),
        record(1, 500, 0, 1 << 60),
        record(2, 500, 0),
        *(record(2, 501, address) for address in (B, D, E, F)),
        record(10, 501, 0),
        record(0, 0, 0)[:-29] + bytes(29),
    ])


def cmt_number(value):
    groups = []
    while True:
        value, group = value >> 7, value & 127
        groups.append(group)
        if value == 0:
            groups[-1] |= 128
            return bytes(groups)


def cmt():
    newest = 0
    out = b""
    for size, old, new in [(8, 0, 1), (100000, 0, 2), (16, 1, 3), (5, 0, 4), (0, 2, 0), (0, 4, 0),
                           (300, 3, 5), (0, 5, 0)]:
        out += cmt_number(size) + cmt_number(newest + 1 - old if old else 0)
        if size:
            out += cmt_number(new - newest)
            newest = new
    return out


def tc_number(value):
    for count in range(1, 9):
        if value < 1 << 7 * count:
            return ((value << 1 | 1) << (count - 1)).to_bytes(count, "little")
    return b"\0" + value.to_bytes(8, "little")


def zigzag(value):
    return value << 1 if value >= 0 else -value * 2 - 1


class TcThread:
    """A thread's events as the tracing build of gperftools encodes them."""

    def __init__(self):
        self.units = 0
        self.last_token = 0

    def size(self, size):
        units = (size + 7) // 8
        difference, self.units = units - self.units, units
        return zigzag(difference)

    def difference(self, token):
        difference, self.last_token = token - self.last_token, token
        return zigzag(difference)

    def token(self, base, time):
        return tc_number(base << 3 | 2) + tc_number(time)

    def malloc(self, size):
        return tc_number(self.size(size) << 3)

    def free(self, token, kind=1):
        return tc_number(self.difference(token) << 3 | kind)

    def realloc(self, token, size):
        return tc_number(self.size(size) << 8 | 0o27) + tc_number(self.difference(token))

    def memalign(self, size, alignment):
        return tc_number(self.size(size) << 8 | 0o37) + tc_number(alignment)


def tc_buffer(thread, time, events):
    return tc_number(thread << 3 | 3) + tc_number(time) + tc_number(len(events)) + events


def tc_barrier(time):
    return tc_number(0o47) + tc_number(time)


def gperftools_trace():
    one, two = TcThread(), TcThread()
    first = one.token(0, 1024) + one.malloc(24) + one.malloc(120) + one.memalign(200, 64)
    # Frees what the first thread allocates: its buffer stands before, its times are the same.
    other = two.token(1024, 1024) + two.free(1) + two.malloc(77) + two.free(2, 4)
    later = one.realloc(0, 1000) + one.malloc(1 << 33) + one.free(4) + one.free(1024)
    last = one.free(3) + one.free(999)  # the second is of nothing known
    return (tc_buffer(2, 4096 + 1, other) + tc_buffer(1, 4096, first) + tc_barrier(5120)
            + tc_buffer(1, 8192, later) + tc_number(2 << 8 | 7) + tc_number(9216)
            + tc_barrier(9216) + tc_buffer(1, 10240, last) + tc_number(0o17) + bytes(37))


def gperftools_replay():
    def instruction(kind, register=0, first=0, second=0):
        return struct.pack("<QQQ", kind | register << 8, first, second)

    return b"".join([
        instruction(5, 0, 1), instruction(7, 0, 1024, 3),
        instruction(0, 0, 24), instruction(3, 1, 200, 64), instruction(0, 2, 120),
        instruction(5, 0, 2), instruction(7, 0, 4096, 1),
        instruction(2, 2, 120), instruction(0, 2, 80), instruction(4, 0, 3, 1000),
        instruction(1, 1), instruction(6), instruction(5, 0, 1),
        instruction(1, 2), instruction(1, 3),
    ])


def zipped(name, data):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name), data)
    return out.getvalue()


def inputs():
    return {
        "android/sample.zip": zipped("sample.txt", (FOLDER / "android/sample.txt").read_bytes()),
        "apple-replay/sample.chunk": apple_replay(),
        "bytehound/counted.dat": bytehound_counted(),
        "bytehound/ended.dat": bytehound_ended(),
        "chattymalloc/plain.trace": chattymalloc(duration=False),
        "chattymalloc/durations.trace": chattymalloc(duration=True),
        "cmt/sample.cmt": cmt(),
        "dj-trace/sample.mtrace": dj_trace(),
        "dj-trace/sample32.mtrace": dj_trace("I", 32),
        "dj-workload/sample.wl": dj_workload(),
        "gperftools-replay/sample.replay": gperftools_replay(),
        "gperftools-trace/sample.trace": gperftools_trace(),
        "gperftools-trace/magic.trace": b"mtr1" + gperftools_trace(),
        "webkit-ops/sample.ops": webkit_ops(),
    }


def main():
    check = sys.argv[1:] == ["--check"]
    different = 0
    for name, data in inputs().items():
        path = FOLDER / name
        if not check:
            path.write_bytes(data)
        elif path.read_bytes() != data:
            print(f"{name} is not what make_inputs.py makes")
            different = 1
    return different


if __name__ == "__main__":
    sys.exit(main())
