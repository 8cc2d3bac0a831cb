"""The power of a gate, from one comparison: how often an equally good model would pass.

Not here: the power of a gate from past comparisons (tasks/verdict/power.py).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.comparison.measured import Measured
from tasks.comparison.sampling import SampleKey, Samples
from tasks.records import Estimate, NotEstimated


def power_of_gate(
    samples: Samples, judged: Sequence[tuple[Measured, Estimate | NotEstimated]]
) -> float | None:
    """The share of resamples in which all rules pass, from 0 to 1; None if a rule has no estimate.

    The replicates are recentred at what the champion itself would be estimated at, all rules on the
    same resamples; the distance of a bound from its estimate stays what it is.
    """
    passes = np.array([True])
    for measured, estimate in judged:
        if isinstance(estimate, NotEstimated):
            return None
        rule_passes = _passes_of_champion(samples, measured, estimate)
        shared = _shared_length(passes, rule_passes)
        passes = passes[:shared] & rule_passes[:shared]
    return float(np.mean(passes))


def _passes_of_champion(
    samples: Samples, measured: Measured, estimate: Estimate
) -> NDArray[np.bool_]:
    """Whether the rule passes in each resample, shape (replicates,), or (1,) without replicates."""
    champion = samples[SampleKey(measured.rule.metric, measured.part.name, "champion")]
    centre = float(measured.spare(champion.value, measured.other_value or 0.0))
    replicates = measured.replicates if measured.candidate.replicates else np.zeros(1)
    recentred = centre + replicates - np.nanmean(replicates)
    bounds = recentred - (estimate.spare - estimate.low)
    return np.array([measured.rule.is_met_by(bound) for bound in bounds])


def _shared_length(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> int | None:
    """How many resamples both have; None, for all, where one of them holds for every resample."""
    shortest = min(len(first), len(second))
    return shortest if shortest > 1 else None
