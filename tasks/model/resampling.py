"""Resamples of rows or units, as weights, and metrics of many of them at once.

A resample is a row of weights: how often each of the n rows was drawn.
Not here: one metric of many resamples (weighted_metrics.py), which rows are independent of each
other (units.py).
"""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from configs.built_in_metrics import METRICS
from configs.model import ModelConfig
from tasks.model.metrics import apply
from tasks.model.scores import Scores

Weights = NDArray[np.float64]
Values = NDArray[np.float64]
Weighted = Callable[[Weights], Values]

# cells of one block of weights: 32 MB
CELLS = 4_000_000


def resamples(units: NDArray[np.int64], replicates: int, seed: int) -> Iterator[Weights]:
    """Blocks of weights, together of shape (replicates, n), of units drawn with replacement.

    `units` has the number of each row's unit, from 0 up, shape (n,); where rows are independent,
    each is a unit of its own.
    """
    random = np.random.default_rng(seed)
    count = int(units.max()) + 1
    rows_are_units = np.array_equal(units, np.arange(len(units)))
    block = max(1, CELLS // len(units))
    for first in range(0, replicates, block):
        size = min(block, replicates - first)
        drawn = random.integers(count, size=(size, count))
        # the weights of one row lie together in memory: sums over rows read them in one sweep
        by_unit = np.ascontiguousarray(_times_drawn(drawn).T)
        yield (by_unit if rows_are_units else by_unit[units]).T


def _times_drawn(drawn: NDArray[np.int64]) -> Weights:
    """How often each row of `drawn` holds each number below its length, shape (size, count)."""
    size, count = drawn.shape
    # numbers of another row are shifted past those of the rows before it: one count for all rows
    shifted = drawn + count * np.arange(size)[:, None]
    times = np.bincount(shifted.ravel(), minlength=size * count)
    return times.reshape(size, count).astype(np.float64)


def weighted(
    name: str, config: ModelConfig, rows: pd.DataFrame, scores: Scores, threshold: float
) -> Weighted | None:
    """The weighted metric of these rows; None where resampling says nothing about the metric."""
    function = METRICS[name].weighted
    if function is None:
        return None
    measure: Weighted = apply(function, name, config, rows, scores, threshold)
    return measure
