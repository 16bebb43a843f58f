"""How many more instructions in every call make a slowdown of 3 %: a matter of the machine."""

from peer_bench.processes import Failure

WANTED = 1.03
MOST = 256     # that libplanted_slow.so can execute; they stand far out of the noise
COARSEST = 0.01  # what one of them may cost at most


def planted(count: int, ratio: float) -> float:
    """The slowdown by `count`, if `ratio` is the time with MOST of them to that without: each costs
    the same (tests/bench/planted/planted.c)."""
    return 1 + count * (ratio - 1) / MOST


def count_of(ratio: float) -> int:
    """The count that comes nearest to the wanted slowdown. Failure if none comes near."""
    if ratio < WANTED or planted(1, ratio) > 1 + COARSEST:
        raise Failure(f"{MOST} more instructions in every call take {ratio:.3f} of the time: no count of "
                      f"them makes {WANTED}")
    return round(MOST * (WANTED - 1) / (ratio - 1))
