"""Shares of trials: exact limits after Clopper and Pearson (1934), without a library."""

import math


def binomial_tail(count: int, trials: int, rate: float) -> float:
    """The probability of `count` or more successes."""
    return sum(math.comb(trials, k) * rate**k * (1 - rate)**(trials - k)
               for k in range(count, trials + 1))


def _solve(rises, target: float) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rises(middle) < target else (low, middle)
    return (low + high) / 2


def limits(count: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """The rates that `count` of `trials` does not contradict."""
    tail = (1 - confidence) / 2
    low = 0.0 if count == 0 else _solve(lambda rate: binomial_tail(count, trials, rate), tail)
    high = 1.0 if count == trials else _solve(
        lambda rate: binomial_tail(count + 1, trials, rate), 1 - tail)
    return low, high


def exceeds(count: int, trials: int, rate: float, doubt: float = 0.01) -> bool:
    """Whether so many contradict the stated rate: they would come up in less than `doubt`."""
    return trials > 0 and binomial_tail(count, trials, rate) < doubt


def falls_short(count: int, trials: int, rate: float, doubt: float = 0.01) -> bool:
    return trials > 0 and 1 - binomial_tail(count + 1, trials, rate) < doubt
