"""Runs children in a session of their own, with a time limit; none outlives its caller."""

import hashlib
import os
import pathlib
import signal
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / "build/release/bin"


class Failure(Exception):
    """A measurement that gave no figure; the message says why."""


def environment(preload: str | None = None, **more: str) -> dict[str, str]:
    """The same few variables for every child, whoever calls the benchmark."""
    result = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C", "HOME": tempfile.gettempdir()}
    if preload:
        result["LD_PRELOAD"] = preload
    return result | more


def end(child: subprocess.Popen) -> None:
    """Kills the child's whole session and waits for it."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    child.wait()


def fingerprint(files, words: str = "") -> str:
    """One SHA-256 of several files' contents, and of words."""
    digest = hashlib.sha256(words.encode())
    for file in files:
        digest.update(hashlib.sha256(pathlib.Path(file).read_bytes()).digest())
    return digest.hexdigest()


def last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1][:200] if lines else "no message"


def run(command: list, timeout: float, env: dict[str, str], stdin: str = "", **options) -> str:
    """The standard output of a command that succeeded; Failure otherwise."""
    command = [str(word) for word in command]
    name = pathlib.PurePath(command[0]).name
    try:
        with subprocess.Popen(command, env=env, text=True, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, errors="replace",
                              start_new_session=True, **options) as child:
            try:
                output, errors = child.communicate(stdin, timeout=timeout)
            finally:
                end(child)
    except OSError as error:
        raise Failure(f"{name}: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise Failure(f"{name}: not done after {timeout:g} s") from error
    if child.returncode < 0:
        raise Failure(f"{name}: killed by signal {-child.returncode}")
    if child.returncode:
        raise Failure(f"{name}: exit status {child.returncode}: {last_line(errors)}")
    return output
