"""How many more instructions in every call make a slowdown of 3 %: a matter of the machine."""

WANTED = 1.03
COUNTS = (64, 96, 128)  # to measure
MOST = 256              # what libplanted_slow.so can execute


def count_of(found: dict[int, float]) -> int:
    """The count that makes the wanted slowdown.

    found[count] is the time of a call with so many more instructions, to that without. What they
    cost is taken as proportional to them (least squares): larger counts stand out of the noise
    better, but those that cost several times what is wanted cost more each.
    """
    cost = sum(count * (ratio - 1) for count, ratio in found.items()) / sum(
        count * count for count in found)
    return MOST if cost * MOST <= WANTED - 1 else max(1, round((WANTED - 1) / cost))
