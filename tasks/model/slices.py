"""Where a model errs: its first metric on parts of the holdout, by the values of the features that matter most.

Not here: slices that a YAML declares and a gate judges.
"""

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from configs.model import ModelConfig
from tasks.data.labels import labels
from tasks.model.metrics import measure_built_in
from tasks.model.scores import Scores

BINS = 4  # of a number; of a category the most frequent values
SHOWN_FEATURES = 4


@dataclass(frozen=True)
class Slice:
    """Some rows of the holdout, what they have in common, and the metric on them; None where it cannot be had."""

    feature: str
    value: str
    rows: int
    positives: int | None
    metric: float | None


def by_feature(
    config: ModelConfig, rows: pd.DataFrame, scores: Scores, threshold: float, features: list[str]
) -> list[Slice]:
    """The slices of the first features that are not private, each feature's in the order of its values."""
    shown = [name for name in features if name not in config.data.private][:SHOWN_FEATURES]
    return [
        _slice(config, name, value, rows.loc[index], scores.loc[index], threshold)
        for name in shown
        for value, index in _cut(rows[name])
    ]


def _cut(column: "pd.Series[Any]") -> list[tuple[str, pd.Index]]:
    if column.nunique() > BINS and column.dtype.kind in "iufM":
        cut = pd.qcut(column, BINS, duplicates="drop")
    else:
        cut = column.where(column.isin(column.value_counts().index[:BINS])).astype("category")
    return [
        (str(value), index) for value, index in column.groupby(cut, observed=True).groups.items()
    ]


def _slice(
    config: ModelConfig,
    feature: str,
    value: str,
    rows: pd.DataFrame,
    scores: Scores,
    threshold: float,
) -> Slice:
    positives = int(labels(config, rows).sum()) if config.kind == "binary" else None
    main = config.main_metric
    metric = (
        measure_built_in(main, config, rows, scores, threshold)
        if main and labels(config, rows).nunique() > 1
        else math.nan
    )
    return Slice(feature, value, len(rows), positives, metric if math.isfinite(metric) else None)
