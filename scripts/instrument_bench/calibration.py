"""How many more instructions in every call make a slowdown of 3 %: a matter of the machine."""

from collections.abc import Callable

WANTED = 1.03
CLOSE = 0.002  # of the ratio: less than comparisons of that few repetitions tell
MOST = 256     # what libplanted_slow.so can execute
TRIES = 8


def search(ratio_of: Callable[[int], float]) -> dict[int, float]:
    """Bisects the count; what was measured, by count.

    ratio_of(count) is the time of a call with so many more instructions, to that without.
    """
    low, high = 0, MOST
    found: dict[int, float] = {}
    while high - low > 1 and len(found) < TRIES:
        count = (low + high) // 2
        found[count] = ratio_of(count)
        if abs(found[count] - WANTED) <= CLOSE:
            break
        if found[count] < WANTED:
            low = count
        else:
            high = count
    return found


def nearest(found: dict[int, float]) -> int:
    """The count whose ratio came nearest to what is wanted."""
    return min(found, key=lambda count: (abs(found[count] - WANTED), count))
