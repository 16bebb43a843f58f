"""The outcome of the experiments as Markdown, and whether it keeps what is stated."""

import collections
import math
import statistics

from instrument_bench import rates
from instrument_bench.experiments import STATED_ALARMS, STATED_POWER, alarms
from peer_bench.tables import table

BEGIN = "<!-- scripts/bench_instrument: begin -->"
END = "<!-- scripts/bench_instrument: end -->"


def _limits(count: int, trials: int) -> str:
    low, high = rates.limits(count, trials)
    return f" ({low * 100:.0f} to {high * 100:.0f} %)"


def _repetitions(outcomes: list[dict]) -> str:
    counts = [outcome["repetitions"] for outcome in outcomes]
    return f"{statistics.median(counts):.0f} ({min(counts)} to {max(counts)})"


def _counts(outcomes: list[dict]) -> str:
    verdicts = collections.Counter(
        verdict for outcome in outcomes for verdict in outcome["verdicts"].values())
    return ", ".join(f"{verdicts[name]} {name}" for name in ("same", "cannot tell", "better",
                                                             "worse") if verdicts[name])


def _ratio(outcomes: list[dict], metric: str) -> float:
    """The geometric mean by repetitions: the outcomes alone would weigh too much where `ab` ended
    early, which it does where the ratio seems large."""
    logarithms = [math.log(outcome["ratios"][metric]) for outcome in outcomes]
    return math.exp(statistics.fmean(logarithms, [one["repetitions"] for one in outcomes]))


def row(experiment, outcomes: list[dict]) -> list[str]:
    if experiment.planted is None:
        found = sum(bool(alarms(outcome)) for outcome in outcomes)
        stated = f"at most {STATED_ALARMS * 100:.0f} % alarms"
        size = "–"
    else:
        found = sum(outcome["verdicts"][experiment.planted] == "worse" for outcome in outcomes)
        stated = f"at least {STATED_POWER * 100:.0f} % found"
        size = f"{_ratio(outcomes, experiment.planted):.3f}"
    if not experiment.independent:
        stated += "; not judged"
    limits = _limits(found, len(outcomes)) if experiment.independent else ""
    return [experiment.what, ", ".join(experiment.traces), size, stated,
            f"{found} of {len(outcomes)}{limits}", _repetitions(outcomes), _counts(outcomes)]


def keeps_its_word(experiment, outcomes: list[dict]) -> bool:
    """False if the outcomes contradict what is stated, at odds of a hundred to one; only
    independent ones can."""
    if not experiment.independent:
        return True
    if experiment.planted is None:
        found = sum(bool(alarms(outcome)) for outcome in outcomes)
        return not rates.exceeds(found, len(outcomes), STATED_ALARMS)
    found = sum(outcome["verdicts"][experiment.planted] == "worse" for outcome in outcomes)
    return not rates.falls_short(found, len(outcomes), STATED_POWER)


def markdown(rows: list[tuple]) -> str:
    """`rows`: (experiment, outcomes), those without outcomes left out."""
    return table(["experiment", "traces", "ratio found", "stated", "found (95 % limits)",
                  "repetitions: median (least to most)", "verdicts of all metrics"],
                 [row(*each) for each in rows if each[1]], texts=7)
