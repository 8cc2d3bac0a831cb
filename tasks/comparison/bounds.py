"""One-sided confidence bounds: from bootstrap replicates, by the jackknife, by the rule of three.

Which method covers best was decided by measurement (docs/bounds.md).
Not here: which quantities need bounds (estimation.py), the replicates (sampling.py), bounds of
metrics that only count decisions (counts.py), what bounds decide (tasks/verdict/gate.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from tasks.model.resampling import Values

FEWEST_REPLICATES = 2_000
MOST_REPLICATES = 10_000
# replicates that must lie beyond a percentile for it to be read off them
BEYOND = 50
# with fewer units, resamples of units say little
FEWEST_UNITS = 20
FEWEST_UNITS_FOR_T = 3
# the share of resamples in which a metric may be undefined
MOST_UNDEFINED = 0.05
# the correction for skew at most doubles a step, as its formula has a pole
LARGEST_SKEW_CORRECTION = 2
# replicates that differ by less, relative to the metrics, are the same but for rounding
ROUNDING = 1e-12


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
    """A lower and an upper one-sided bound, and how they were found.

    None for the degrees of freedom where no variance was estimated.
    """

    low: float
    high: float
    method: str
    degrees_of_freedom: float | None = None


def replicates_for(alpha: float) -> int:
    """How many resamples leave BEYOND of them past a bound at this level, within reason."""
    needed = int(np.ceil(1.5 * BEYOND / alpha))
    return min(max(FEWEST_REPLICATES, needed), MOST_REPLICATES)


def are_defined(replicates: Values) -> bool:
    """Whether the quantity has a value in nearly all resamples."""
    return bool(np.mean(~np.isfinite(replicates)) <= MOST_UNDEFINED)


def never_varies(replicates: Values, size: float) -> bool:
    """Whether all replicates are the same, of a quantity made of metrics of this size."""
    return bool(np.ptp(replicates[np.isfinite(replicates)]) <= ROUNDING * size)


def widest(several: Sequence[Bounds]) -> Bounds:
    """On each side the widest of several bounds."""
    degrees = [one.degrees_of_freedom for one in several if one.degrees_of_freedom is not None]
    return Bounds(
        low=min(one.low for one in several),
        high=max(one.high for one in several),
        method="; ".join(one.method for one in several),
        degrees_of_freedom=min(degrees, default=None),
    )


def bootstrap_bounds(value: float, replicates: Values, levels: Levels, units: float) -> Bounds:
    """On each side the wider of the BCa bound and of Student's t about the value.

    `units` is the effective sample size: the units of the rarest class. BCa: Efron (1987), JASA
    82:171, with the acceleration taken from the replicates, a sixth of their skewness. Both take
    the quantiles of Student's t in place of the normal's.
    """
    finite = replicates[np.isfinite(replicates)]
    freedom = satterthwaite(finite, units)
    below, above = (stats.t.ppf(1 - alpha, freedom) for alpha in (levels.lower, levels.upper))
    bias = stats.norm.ppf(_share_below(finite, value))
    acceleration = float(stats.skew(finite)) / 6
    standard_error = finite.std(ddof=1)
    low = _quantile_at(finite, bias + _skewed(bias - below, acceleration))
    high = _quantile_at(finite, bias + _skewed(bias + above, acceleration))
    return Bounds(
        low=float(min(low, value - below * standard_error)),
        high=float(max(high, value + above * standard_error)),
        method=f"BCa or t, df {freedom:,.0f}, {len(finite):,} resamples",
        degrees_of_freedom=freedom,
    )


def satterthwaite(replicates: Values, units: float) -> float:
    """The degrees of freedom of the replicates' variance.

    Satterthwaite (1946), Biometrics Bulletin 2:110: 2 / df is the relative variance of an
    estimated variance. Of a sum of independent contributions this is the replicates' excess
    kurtosis, plus 2 / units: few contributions that carry the sum leave few degrees of freedom.
    """
    # of so many normal replicates, by chance alone
    standard_error = np.sqrt(24 / len(replicates))
    excess = max(float(stats.kurtosis(replicates)) - standard_error, 0.0)
    return float(max(1.0, 2 / (excess + 2 / units)))


def jackknife_bounds(value: float, without_each: Values, levels: Levels) -> Bounds:
    """Student's t bounds about a value, from the value without each unit, shape (units,).

    The standard error of the delete-one jackknife: Efron and Tibshirani (1993), An Introduction to
    the Bootstrap, eq. 11.5.
    """
    units = len(without_each)
    deviations = without_each - without_each.mean()
    standard_error = np.sqrt((units - 1) / units * np.sum(deviations**2))
    return Bounds(
        low=float(value - stats.t.ppf(1 - levels.lower, units - 1) * standard_error),
        high=float(value + stats.t.ppf(1 - levels.upper, units - 1) * standard_error),
        method=f"t, jackknife over {units} units",
        degrees_of_freedom=units - 1,
    )


def unvaried_bounds(value: float, width: float, units: float, levels: Levels) -> Bounds:
    """Bounds of a value that no unit of the rows changes, though a unit not among them might.

    At most a share 1 - alpha^(1 / units) of all units is of a kind that none of `units` is: the
    rule of three (Hanley and Lippman-Hand, 1983, JAMA 249:1743). `width` is how far the value would
    move if all were.
    """
    below, above = (width * (1 - alpha ** (1 / units)) for alpha in (levels.lower, levels.upper))
    return Bounds(value - below, value + above, f"rule of three, {units:,.0f} units")


def _share_below(replicates: Values, value: float) -> float:
    """The share of replicates below a value, half of those at it, and never none or all."""
    share = stats.percentileofscore(replicates, value, kind="mean") / 100
    return float(np.clip(share, 1 / len(replicates), 1 - 1 / len(replicates)))


def _skewed(step: float, acceleration: float) -> float:
    """A step in standard deviations, corrected for skew."""
    return step / max(1 - acceleration * step, 1 / LARGEST_SKEW_CORRECTION)


def _quantile_at(replicates: Values, z: float) -> float:
    """The replicates' quantile at a normal score; beyond the last BEYOND of them, extrapolated."""
    furthest = -stats.norm.ppf(BEYOND / len(replicates))
    within = float(np.clip(z, -furthest, furthest))
    quantile = float(np.quantile(replicates, stats.norm.cdf(within)))
    return quantile + (z - within) * float(replicates.std(ddof=1))
