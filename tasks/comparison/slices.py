"""The difference to the champion on each part of each slice, with simultaneous bounds.

Not here: rules on a slice, each of which is judged by itself (estimation.py).
"""

from collections.abc import Sequence

import numpy as np

from configs.gate import Rule
from tasks.comparison.bounds import FEWEST_UNITS, are_defined, never_varies
from tasks.comparison.contest import Contest
from tasks.comparison.measured import Measured, measure_rule
from tasks.comparison.parts import Part
from tasks.comparison.sampling import Samples
from tasks.data.labels import row_counts
from tasks.model.resampling import Values
from tasks.records import Estimate, NotEstimated


def estimate_slices(
    contest: Contest, samples: Samples, parts: Sequence[Part], metric: str, alpha: float
) -> tuple[Estimate | NotEstimated, ...]:
    """The difference in a metric on each part, with simultaneous bounds where there can be any."""
    rule = Rule(metric=metric, better_than="champion")
    differences = [measure_rule(contest, samples, rule, part) for part in parts]
    with_replicates = [
        difference.replicates for difference in differences if _can_be_bounded(difference)
    ]
    reach = _simultaneous_reach(with_replicates, alpha) if with_replicates else 0.0
    return tuple(_part_estimate(difference, reach, alpha) for difference in differences)


def _can_be_bounded(difference: Measured) -> bool:
    candidate = difference.candidate
    has_units = candidate.units.count >= FEWEST_UNITS
    if not (difference.is_defined and candidate.replicates and has_units):
        return False
    replicates = difference.replicates
    return are_defined(replicates) and not never_varies(replicates, difference.size)


def _simultaneous_reach(replicates: Sequence[Values], alpha: float) -> float:
    """How many standard errors the bounds of all parts lie from their estimates.

    max-T: the quantile, over replicates, of the largest standardised deviation of any part
    (Westfall and Young, 1993).
    """
    deviations = []
    for values in replicates:
        deviations.append(np.abs(values - np.nanmean(values)) / np.nanstd(values))
    return float(np.quantile(np.nanmax(deviations, axis=0), 1 - alpha))


def _part_estimate(difference: Measured, reach: float, alpha: float) -> Estimate | NotEstimated:
    contest, part = difference.contest, difference.part
    counts = row_counts(contest.config, contest.rows[part.mask])
    size = NotEstimated(
        reason="has too few units, only one class, or no differing answers",
        part=part.name,
        rows=counts.rows,
        positives=counts.positives,
        units=difference.candidate.units.count,
    )
    if not _can_be_bounded(difference) or difference.other is None:
        return size
    value = difference.value
    distance = reach * float(np.nanstd(difference.replicates))
    return Estimate(
        part=size.part,
        rows=size.rows,
        positives=size.positives,
        units=size.units,
        candidate=difference.candidate.value,
        other=difference.other.value,
        greater_is_better=contest.config.metric(difference.rule.metric).sign > 0,
        spare=value,
        low=value - distance,
        high=value + distance,
        confidence=1 - alpha,
        upper_confidence=1 - alpha,
        method="max-T",
    )
