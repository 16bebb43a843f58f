"""How many more instructions in every call make a slowdown of 3 %: a matter of the machine."""

WANTED = 1.03
COUNTS = (64, 128, 256)  # to measure; the last is what libplanted_slow.so can execute at most


def count_of(found: dict[int, float]) -> int:
    """The count that makes the wanted slowdown.

    found[count] is the time of a call with so many more instructions, to that without. What they
    cost is taken as proportional to them (least squares), for larger counts stand out of the noise
    better than one near what is wanted does.
    """
    cost = sum(count * (ratio - 1) for count, ratio in found.items()) / sum(
        count * count for count in found)
    most = max(COUNTS)
    return most if cost * most <= WANTED - 1 else max(1, round((WANTED - 1) / cost))
