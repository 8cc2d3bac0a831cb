"""The intervals of metrics that a training run's page shows, over resamples of independent units.

Not here: the bounds that a verdict rests on (tasks/comparison).
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from configs.model import ModelConfig
from tasks.model.resampling import Values, Weighted, resamples, weighted
from tasks.model.scores import Scores
from tasks.model.units import Units, combined

REPLICATES = 500
CONFIDENCE = 0.95


class Interval(NamedTuple):
    """The bounds of an interval."""

    low: float
    high: float


def intervals(
    config: ModelConfig, rows: pd.DataFrame, scores: Scores, threshold: float
) -> dict[str, Interval]:
    """The 95% percentile interval of each metric over resamples (Efron, 1979), by name.

    Of the units of `comparison`, or else of rows, seeded by the model's seed. The model's own
    metrics have none, nor has a maximum: no resample holds a larger one.
    """
    measures: dict[str, Weighted] = {}
    for name in config.metric_names:
        if name in config.own_metrics:
            continue
        if measure := weighted(name, config, rows, scores, threshold):
            measures[name] = measure
    units = Units.of([rows[column] for column in config.comparison.units], len(rows))
    replicates: dict[str, list[Values]] = {name: [] for name in measures}
    for kind, codes in enumerate(units.resampled):
        blocks: dict[str, list[Values]] = {name: [] for name in measures}
        for weights in resamples(codes, REPLICATES, config.train.seed + kind):
            # a resample that lacks a class has no value, and is left out of the quantiles
            with np.errstate(invalid="ignore", divide="ignore"):
                for name, measure in measures.items():
                    blocks[name].append(measure(weights))
        for name, values in blocks.items():
            replicates[name].append(np.concatenate(values))
    return {name: _percentile_interval(combined(kinds)) for name, kinds in replicates.items()}


def _percentile_interval(replicates: Values) -> Interval:
    tails = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
    low, high = np.nanquantile(replicates, tails)
    return Interval(float(low), float(high))
