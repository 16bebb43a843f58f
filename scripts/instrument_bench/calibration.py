"""How many more instructions in every call make a slowdown of 3 %: a matter of the machine."""

WANTED = 1.03
MOST = 256  # that libplanted_slow.so can execute; they stand far out of the noise


def count_of(ratio: float) -> int:
    """The count that makes the wanted slowdown, if `ratio` is the time with MOST of them to that
    without: each costs the same (tests/bench/planted/planted.c)."""
    most = ratio - 1
    wanted = WANTED - 1
    return MOST if most <= wanted else max(1, round(MOST * wanted / most))
