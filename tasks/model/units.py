"""What is independent in the rows: each row, units such as customers or days, or two crossed kinds.

Not here: drawing resamples (resampling.py), bounds from them (tasks/comparison).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.model.resampling import CELLS, Values, Weights

# of each row, the number of its unit, from 0 up
Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Units:
    """The units of one kind, or of two kinds that cross, such as customers and terminals."""

    kinds: tuple[Codes, ...]

    @classmethod
    def of(cls, columns: Sequence["pd.Series[Any]"], rows: int) -> "Units":
        """The units that the columns distinguish; a column of times means days, none means rows."""
        if not columns:
            return cls((np.arange(rows),))
        return cls(tuple(_codes_of(column) for column in columns))

    @property
    def count(self) -> int:
        """How many units there are; of two kinds, of the rarer."""
        return min(_count(codes) for codes in self.kinds) if len(self.kinds[0]) else 0

    @property
    def are_rows(self) -> bool:
        """Whether each row is a unit of its own."""
        return len(self.kinds) == 1 and self.count == len(self.kinds[0])

    @property
    def size_biased_mean(self) -> float:
        """The mean, over rows, of the size of the row's unit, of the kind with the fewest."""
        sizes = np.bincount(self.fewest)
        return float(np.sum(sizes**2) / np.sum(sizes))

    @property
    def fewest(self) -> Codes:
        """The units of the kind that has the fewest."""
        return min(self.kinds, key=_count)

    @property
    def resampled(self) -> tuple[Codes, ...]:
        """The units to resample: of the one kind; or of each of two kinds and of their pairs."""
        if len(self.kinds) == 1:
            return self.kinds
        first, second = self.kinds
        pairs = pd.factorize(first * _count(second) + second)[0].astype(np.int64)
        return (*self.kinds, pairs)

    def among(self, mask: NDArray[np.bool_]) -> "Units":
        """The units of some of the rows."""
        return Units(tuple(pd.factorize(codes[mask])[0].astype(np.int64) for codes in self.kinds))


def measure_without_each(
    codes: Codes, chosen: Codes, measure: Callable[[Weights], Values]
) -> Values:
    """A quantity of all rows but those of one unit, for each chosen unit, shape (chosen,)."""
    block = max(1, CELLS // len(codes))
    values = []
    for first in range(0, len(chosen), block):
        is_kept = codes[None, :] != chosen[first : first + block, None]
        values.append(measure(is_kept.astype(np.float64)))
    return np.concatenate(values)


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


def _codes_of(column: "pd.Series[Any]") -> Codes:
    values = column.dt.normalize() if column.dtype.kind == "M" else column
    return pd.factorize(values, use_na_sentinel=False)[0].astype(np.int64)


def _count(codes: Codes) -> int:
    return int(codes.max()) + 1
