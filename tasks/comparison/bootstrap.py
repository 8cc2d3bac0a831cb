"""Bounds from resamples of what is independent: rows, units such as customers or days, or two kinds of units that cross.

Not here: which quantities (comparison.py), metrics of many resamples at once (tasks/model/resampling.py), what bounds decide (gate.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from tasks.model.resampling import CELLS, Values, Weights

REPLICATES = 2_000  # at least
MOST_REPLICATES = 10_000
BEYOND = 50  # replicates that lie beyond a bound, at least
FEWEST_UNITS = 20  # below, resamples of units say little
FEWEST_FOR_T = 3
MOST_UNDEFINED = 0.05  # share of resamples in which a metric may have no value

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Units:
    """What is independent: a number from 0 up for each row, once, or twice where two kinds of units cross."""

    ways: tuple[Codes, ...]

    @classmethod
    def of(cls, columns: list["pd.Series[Any]"], rows: int) -> "Units":
        """The units that the columns tell apart; a column of times tells days; no column: each row is one."""
        if not columns:
            return cls((np.arange(rows),))
        days = [column.dt.normalize() if column.dtype.kind == "M" else column for column in columns]
        codes = [pd.factorize(column, use_na_sentinel=False)[0].astype(np.int64) for column in days]
        return cls(tuple(codes))

    @property
    def count(self) -> int:
        """How many units there are; of two kinds, of the rarer."""
        return min(int(codes.max()) + 1 for codes in self.ways) if len(self.ways[0]) else 0

    @property
    def drawn(self) -> tuple[Codes, ...]:
        """The units that are resampled: of one kind; or of each of two kinds and of their pairs."""
        if len(self.ways) == 1:
            return self.ways
        first, second = self.ways
        pairs = pd.factorize(first * (int(second.max()) + 1) + second)[0].astype(np.int64)
        return (*self.ways, pairs)

    def among(self, mask: NDArray[np.bool_]) -> "Units":
        """The units of some of the rows."""
        return Units(tuple(pd.factorize(codes[mask])[0].astype(np.int64) for codes in self.ways))


def replicates_for(alpha: float) -> int:
    """How many resamples leave enough of them beyond a bound at this level, as long as that is affordable."""
    return int(min(max(REPLICATES, np.ceil(1.5 * BEYOND / alpha)), MOST_REPLICATES))


def spread(replicates: list[Values]) -> Values:
    """Replicates whose variance is that of the quantity: as they are for one kind of units.

    For two that cross V = V_a + V_b - V_ab (Cameron, Gelbach and Miller, 2011, JBES 29:238), never below the larger of V_a and V_b:
    the replicates of the larger one, stretched about their mean.
    """
    if len(replicates) == 1:
        return replicates[0]
    first, second, pairs = (float(np.nanvar(values)) for values in replicates)
    widest = replicates[0] if first >= second else replicates[1]
    larger = max(first, second)
    stretch = np.sqrt(max(first + second - pairs, larger) / larger) if larger > 0 else 1.0
    mean = np.nanmean(widest)
    stretched: Values = mean + (widest - mean) * stretch
    return stretched


def bounds(replicates: Values, alphas: tuple[float, float], units: int) -> tuple[float, float, str]:
    """The lower and the upper one-sided bound, each at its own level, and how they were found.

    Percentiles of the replicates, at levels made stricter for few units as Student's t is than the normal (the expanded percentile
    interval: Hesterberg, 2015, The American Statistician 69:371). Where fewer than BEYOND replicates would lie beyond a bound,
    Student's t with their standard deviation.
    """
    found = replicates[np.isfinite(replicates)]
    wide = np.sqrt(units / (units - 1))
    steps = [wide * stats.t.ppf(1 - alpha, units - 1) for alpha in alphas]
    levels = [float(stats.norm.cdf(-step)) for step in steps]
    if min(levels) * len(found) < BEYOND:
        middle, deviation = found.mean(), found.std(ddof=1)
        return (
            float(middle - steps[0] * deviation),
            float(middle + steps[1] * deviation),
            f"t, standard error of {len(found):,} resamples",
        )
    low, high = np.quantile(found, levels[0]), np.quantile(found, 1 - levels[1])
    return float(low), float(high), f"percentile of {len(found):,} resamples"


def t_bounds(values: Values, alphas: tuple[float, float]) -> tuple[float, float, str]:
    """Bounds of the mean of a value of each unit, by Student's t."""
    mean, error, freedom = values.mean(), values.std(ddof=1) / np.sqrt(len(values)), len(values) - 1
    low, high = (
        mean - side * stats.t.ppf(1 - alpha, freedom) * error
        for side, alpha in zip((1, -1), alphas, strict=True)
    )
    return float(low), float(high), f"t over {len(values)} units"


def exact_reach(discordant: int, units: int, alpha: float) -> float:
    """The upper bound of Clopper and Pearson (1934) on the rate of units on which two versions differ."""
    return (
        float(stats.beta.ppf(1 - alpha, discordant + 1, units - discordant))
        if discordant < units
        else 1.0
    )


def one_by_one(
    codes: Codes, measure: Callable[[Weights], Values], *, without: bool, which: Codes | None = None
) -> Values:
    """The quantity of each unit by itself, or without each."""
    chosen = np.arange(int(codes.max()) + 1) if which is None else which
    block = max(1, CELLS // len(codes))
    found = [
        measure(
            ((codes[None, :] == chosen[first : first + block, None]) != without).astype(np.float64)
        )
        for first in range(0, len(chosen), block)
    ]
    return np.concatenate(found)
