"""Bounds of metrics that only count decisions: accuracy, cost, precision, recall, f1, MCC.

Rows fall into cells: the target, what the candidate decided, and what the other version did. Such a
metric is a function of how many rows are in each cell. Each count has an exact interval, also one
of zero, so that bounds never have width zero by accident (MOVER).
Not here: bounds of metrics of scores (bounds.py).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from configs.built_in_metrics import METRICS, needs, sees_decisions
from configs.model import ModelConfig
from tasks.comparison.bounds import Bounds, Levels
from tasks.model.resampling import Values, Weights

# the step of a derivative by a count, as a share of all rows
STEP = 1e-4
# of very few units and a very strict level: below it, limits would be infinite
SMALLEST_ALPHA = 1e-300


@dataclass(frozen=True)
class ContingencyTable:
    """How many rows are in each cell, and the metrics as functions of these numbers.

    `counts` has the shape (cells,). `measures` has a function for each version, from numbers of
    shape (replicates, cells) to the metric, shape (replicates,).
    """

    counts: Values
    measures: tuple[Callable[[Weights], Values], ...]


def is_counted(config: ModelConfig, metric: str) -> bool:
    """Whether a built-in metric is a function of a few counts of decisions."""
    if metric == "accuracy":
        return True
    return config.kind == "binary" and metric in METRICS and sees_decisions(metric)


def cross_tabulate(
    config: ModelConfig, metric: str, target: "pd.Series[Any]", decided: Sequence["pd.Series[Any]"]
) -> ContingencyTable:
    """The cells of rows, each version having `decided` for each row, both of shape (rows,).

    For accuracy, whatever the classes, a decision is right or wrong.
    """
    targets = [0, 1]
    if metric == "accuracy":
        decided = [(answers == target).astype("int64") for answers in decided]
        target, targets = pd.Series(1, index=target.index), [1]
    kinds = pd.DataFrame(product(targets, *[(0, 1)] * len(decided)))
    rows = pd.concat([target, *decided], axis=1, ignore_index=True)
    counts = rows.value_counts().reindex(pd.MultiIndex.from_frame(kinds), fill_value=0)
    prices = {"prices": config.threshold} if needs(metric) == "prices" else {}
    weighted = METRICS[metric].weighted
    assert weighted
    measure = weighted.resolve()
    return ContingencyTable(
        np.asarray(counts, dtype="float64"),
        tuple(measure(kinds[0], kinds[place], **prices) for place in kinds.columns[1:]),
    )


def mover_bounds(
    measure: Callable[[Weights], Values],
    counts: Values,
    levels: Levels,
    design_effect: float = 1.0,
    degrees_of_freedom: float = math.inf,
) -> Bounds:
    """Bounds of a function of independent counts, shape (cells,).

    Each count's exact Poisson limits (Garwood, 1936, Biometrika 28:437) move the function by some
    distance; the bound lies at the root of the sum of their squares: Zou and Donner (2008),
    Statistics in Medicine 27:1693. Rows that depend on each other count as rows / design effect,
    with levels that are stricter as Student's t is (Korn and Graubard, 1998, Survey Methodology
    24:193).
    """
    effective = counts / design_effect
    value = float(measure(effective[None, :])[0])

    def distances(alpha: float) -> Values:
        """How far each cell moves the function, at its lower and at its upper limit."""
        of_normal = max(stats.norm.sf(stats.t.ppf(1 - alpha, degrees_of_freedom)), SMALLEST_ALPHA)
        lower, upper = poisson_limits(effective, of_normal)
        at_limits = np.vstack([_with_each(effective, lower), _with_each(effective, upper)])
        moved: Values = (measure(at_limits) - value).reshape(2, len(effective))
        return moved

    below = np.minimum(distances(levels.lower).min(axis=0), 0)
    above = np.maximum(distances(levels.upper).max(axis=0), 0)
    rows = f"{counts.sum():,.0f} rows"
    if design_effect > 1:
        rows += f", design effect {design_effect:.3g}"
    return Bounds(
        value - float(np.sqrt(np.sum(below**2))),
        value + float(np.sqrt(np.sum(above**2))),
        f"MOVER, {rows}",
    )


def variance_of_independent_rows(measure: Callable[[Weights], Values], counts: Values) -> float:
    """The variance of a function of counts, by the delta method, if rows were independent."""
    step = STEP * counts.sum()
    moved = measure(_with_each(counts, counts + step)) - measure(counts[None, :])
    return float(np.sum(counts * (moved / step) ** 2))


def poisson_limits(counts: Values, alpha: float) -> tuple[Values, Values]:
    """The exact one-sided lower and upper limits of the means of Poisson counts."""
    lower = np.where(counts > 0, stats.gamma.ppf(alpha, np.where(counts > 0, counts, 1)), 0.0)
    return lower, stats.gamma.isf(alpha, counts + 1)


def _with_each(counts: Values, changed: Values) -> Weights:
    """The counts with one of them changed in each row, shape (cells, cells)."""
    return np.where(np.eye(len(counts), dtype=bool), changed, counts)
