"""One-sided confidence bounds: from bootstrap replicates, by the jackknife, or exact.

Not here: which quantities need bounds (estimation.py), the replicates (sampling.py), what bounds
decide (tasks/verdict/gate.py).
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from tasks.model.resampling import Values

FEWEST_REPLICATES = 2_000
MOST_REPLICATES = 10_000
# replicates that must lie beyond a percentile for it to be a bound
BEYOND = 50
# with fewer units, resamples of units say little
FEWEST_UNITS = 20
FEWEST_UNITS_FOR_T = 3
# the share of resamples in which a metric may be undefined
MOST_UNDEFINED = 0.05


@dataclass(frozen=True)
class Levels:
    """The alphas of the lower and of the upper one-sided bound."""

    lower: float
    upper: float

    @property
    def strictest(self) -> float:
        return min(self.lower, self.upper)


@dataclass(frozen=True)
class Bounds:
    """A lower and an upper one-sided bound, and how they were found."""

    low: float
    high: float
    method: str


def replicates_for(alpha: float) -> int:
    """How many resamples leave BEYOND of them past a bound at this level, within reason."""
    needed = int(np.ceil(1.5 * BEYOND / alpha))
    return min(max(FEWEST_REPLICATES, needed), MOST_REPLICATES)


def combined(replicates: list[Values]) -> Values:
    """Replicates with the variance of the quantity: for one kind of units, as they are.

    For two crossed kinds V = V_a + V_b - V_ab (Cameron, Gelbach and Miller, 2011, JBES 29:238), but
    not below the larger of V_a and V_b: the replicates of the larger, stretched about their mean.
    """
    if len(replicates) == 1:
        return replicates[0]
    first, second, pairs = (float(np.nanvar(values)) for values in replicates)
    widest, larger = replicates[0], first
    if second > first:
        widest, larger = replicates[1], second
    if larger == 0:
        return widest
    stretch = np.sqrt(max(first + second - pairs, larger) / larger)
    mean = np.nanmean(widest)
    stretched: Values = mean + (widest - mean) * stretch
    return stretched


def bootstrap_bounds(replicates: Values, levels: Levels, units: int) -> Bounds:
    """Percentile bounds, at levels made stricter for few units as Student's t is than the normal.

    The expanded percentile interval: Hesterberg (2015), The American Statistician 69:371. Where
    fewer than BEYOND replicates would lie past a bound: Student's t with their standard deviation.
    """
    finite = replicates[np.isfinite(replicates)]
    expansion = np.sqrt(units / (units - 1))
    low_step, high_step = (
        expansion * stats.t.ppf(1 - alpha, units - 1) for alpha in (levels.lower, levels.upper)
    )
    low_tail, high_tail = float(stats.norm.cdf(-low_step)), float(stats.norm.cdf(-high_step))
    count = f"{len(finite):,} resamples"
    if min(low_tail, high_tail) * len(finite) < BEYOND:
        mean, deviation = finite.mean(), finite.std(ddof=1)
        low, high = mean - low_step * deviation, mean + high_step * deviation
        return Bounds(float(low), float(high), f"t, standard error of {count}")
    low, high = np.quantile(finite, low_tail), np.quantile(finite, 1 - high_tail)
    return Bounds(float(low), float(high), f"percentile of {count}")


def jackknife_bounds(value: float, without_each: Values, levels: Levels) -> Bounds:
    """Student's t bounds about a value, from the value without each unit, shape (units,).

    The standard error of the delete-one jackknife: Efron and Tibshirani (1993), An Introduction to
    the Bootstrap, eq. 11.5.
    """
    units = len(without_each)
    error = np.sqrt((units - 1) / units * np.sum((without_each - without_each.mean()) ** 2))
    low = value - stats.t.ppf(1 - levels.lower, units - 1) * error
    high = value + stats.t.ppf(1 - levels.upper, units - 1) * error
    return Bounds(float(low), float(high), f"t, jackknife over {units} units")


def discordance_bounds(
    discordant: int, units: int, largest: float, neutral: float, levels: Levels
) -> Bounds:
    """Exact bounds of a difference between versions that differ on few units.

    How often such units occur, at most (Clopper and Pearson, 1934), times the largest difference
    that one of them makes, on both sides of what equal versions have. Resamples would often hold
    none of these units, and an interval be of width zero by accident.
    """
    below = _highest_rate(discordant, units, levels.lower) * largest
    above = _highest_rate(discordant, units, levels.upper) * largest
    method = f"exact: they differ on {discordant} of {units:,} units"
    return Bounds(neutral - below, neutral + above, method)


def _highest_rate(discordant: int, units: int, alpha: float) -> float:
    """Clopper and Pearson's upper bound on the rate of units on which two versions differ."""
    found = stats.binomtest(discordant, units, alternative="less")
    return float(found.proportion_ci(1 - alpha, method="exact").high)
