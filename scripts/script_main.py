"""What the command lines of scripts share: --only, and how a script ends: a line on stderr that says
why, and an exit status."""

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


def named(script: str, found: list, only: str | None, listing: str = "--help") -> list:
    """Those whose `name` is among the words of --only, all without it. Ends the script with 2, and
    points at the option that lists them, if there is no such name."""
    if not only:
        return found
    names = only.split(",")
    unknown = set(names) - {one.name for one in found}
    if unknown:
        print(f"{script}: unknown: {', '.join(sorted(unknown))}; see {listing}", file=sys.stderr)
        raise SystemExit(2)
    return [one for one in found if one.name in names]
