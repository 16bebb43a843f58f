"""How a script of several modules ends: a line on stderr that says why, and an exit status."""

import signal
import subprocess
import sys
from collections.abc import Callable


def _stop(*_) -> None:
    raise KeyboardInterrupt


def run_script(name: str, run: Callable[[], int], errors: tuple[type[Exception], ...],
               stopped: str = "stopped") -> int:
    """The exit status of `run`, or 1 if it raises one of `errors`, OSError or SubprocessError, or
    is stopped by Ctrl-C or SIGTERM (`stopped` then says what is kept)."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        return run()
    except KeyboardInterrupt:
        print(f"\n{name}: {stopped}", file=sys.stderr)
    except (OSError, subprocess.SubprocessError, *errors) as error:
        print(f"{name}: {error}", file=sys.stderr)
    return 1
