"""A redis-server of our own on a free port of the loopback device, under a given malloc."""

import contextlib
import pathlib
import socket
import subprocess
import tempfile
import time

from peer_bench import processes
from peer_bench.processes import Failure


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    def __init__(self, child: subprocess.Popen, port: int):
        self.child, self.port = child, port
        self.socket = self._connect()
        self.buffer = b""

    def _connect(self) -> socket.socket:
        deadline = time.monotonic() + 20
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self.port), timeout=60)
            except OSError as error:
                if self.child.poll() is not None:
                    raise Failure(f"redis-server: ended with {self.child.returncode} at its start"
                                  ) from error
                if time.monotonic() > deadline:
                    raise Failure("redis-server: does not answer") from error
                time.sleep(0.02)

    def _receive(self) -> None:
        try:
            data = self.socket.recv(1 << 16)
        except OSError as error:
            raise Failure(f"redis-server: {error}") from error
        if not data:
            raise Failure("redis-server: closed the connection")
        self.buffer += data

    def pipeline(self, commands) -> None:
        """Sends commands whose replies are one line each, 500 at a time, and reads the replies."""
        batch = []
        for command in commands:
            batch.append(encode(command))
            if len(batch) == 500:
                self._exchange(batch)
                batch = []
        self._exchange(batch)

    def _exchange(self, batch: list[bytes]) -> None:
        try:
            self.socket.sendall(b"".join(batch))
        except OSError as error:
            raise Failure(f"redis-server: {error}") from error
        while self.buffer.count(b"\r\n") < len(batch):
            self._receive()
        if self.buffer.startswith(b"-") or b"\n-" in self.buffer:
            reply = processes.last_line(self.buffer.decode(errors="replace"))
            raise Failure(f"redis-server: {reply}")
        self.buffer = b""

    def used_bytes(self) -> int:
        """used_memory of INFO: what redis counts as allocated."""
        self.socket.sendall(encode([b"INFO", b"memory"]))
        while b"\r\n" not in self.buffer:
            self._receive()
        head, _, rest = self.buffer.partition(b"\r\n")
        while len(rest) < int(head[1:]) + 2:
            self._receive()
            rest = self.buffer.partition(b"\r\n")[2]
        self.buffer = b""
        fields = dict(line.partition(b":")[::2] for line in rest.split(b"\r\n"))
        return int(fields[b"used_memory"])

    def status_kib(self, field: str) -> int:
        return status_kib(self.child.pid, field)

    def cpu_ns(self) -> int:
        """CPU time of all its threads until now."""
        tasks = pathlib.Path(f"/proc/{self.child.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks)


def status_kib(pid: int, field: str) -> int:
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    raise Failure(f"no {field} in /proc/{pid}/status")


def encode(words: list[bytes]) -> bytes:
    """A command in redis's protocol."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


@contextlib.contextmanager
def server(preload: str | None):
    """A running server with no data and no persistence; it is gone afterwards.

    Debian links redis-server with jemalloc, so that with nothing preloaded it would not run on
    glibc's malloc: libc.so.6 itself is preloaded then, which puts it first.
    """
    with tempfile.TemporaryDirectory(prefix="bench_peers-") as folder:
        port = _free_port()
        command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "",
                   "--appendonly", "no", "--daemonize", "no", "--dir", folder,
                   "--loglevel", "warning"]
        try:
            child = subprocess.Popen(command, env=processes.environment(preload or "libc.so.6"),
                                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL, start_new_session=True)
        except OSError as error:
            raise Failure(f"redis-server: {error.strerror}") from error
        try:
            running = Server(child, port)
            try:
                yield running
            finally:
                running.socket.close()
        finally:
            processes.end(child)
