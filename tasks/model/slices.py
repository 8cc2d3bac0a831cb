"""The first metric on parts of the holdout, cut by the values of the most important features.

Not here: the slices that a YAML declares and a gate judges (tasks/comparison/sampling.py).
"""

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from configs.model import ModelConfig
from tasks.data.labels import labels
from tasks.model.metrics import measure_built_in
from tasks.model.scores import Scores
from tasks.pages.numbers import readable

# bins of a number; of a category, its most frequent values
PARTS = 4
SHOWN_FEATURES = 4


@dataclass(frozen=True)
class FeaturePart:
    """Rows of the holdout with like values of a feature; `metric` is None where undefined."""

    feature: str
    value: str
    rows: int
    positives: int | None
    metric: float | None


def by_feature(
    config: ModelConfig, rows: pd.DataFrame, scores: Scores, threshold: float, features: list[str]
) -> list[FeaturePart]:
    """The parts by each of the first features that are not private, in the order of its values."""
    shown = [name for name in features if name not in config.data.private][:SHOWN_FEATURES]
    parts = []
    for name in shown:
        for value, index in _cut(rows[name]):
            of_part, its_scores = rows.loc[index], scores.loc[index]
            metric = _main_metric(config, of_part, its_scores, threshold)
            positives = int(labels(config, of_part).sum()) if config.kind == "binary" else None
            parts.append(FeaturePart(name, value, len(of_part), positives, metric))
    return parts


def _cut(column: "pd.Series[Any]") -> list[tuple[str, pd.Index]]:
    """The name and the rows of each part of a column."""
    if column.nunique() > PARTS and column.dtype.kind in "iufM":
        part_of_row = pd.qcut(column, PARTS, duplicates="drop")
    else:
        frequent = column.value_counts().index[:PARTS]
        part_of_row = column.where(column.isin(frequent)).astype("category")
    groups = column.groupby(part_of_row, observed=True).groups
    return [(_name_of(value), index) for value, index in groups.items()]


def _name_of(value: Any) -> str:
    """A category, or the bounds of a bin: it holds the upper one."""
    if not isinstance(value, pd.Interval):
        return str(value)
    if isinstance(value.left, pd.Timestamp):
        return f"{value.left} to {value.right}"
    return f"{readable(value.left)} to {readable(value.right)}"


def _main_metric(
    config: ModelConfig, rows: pd.DataFrame, scores: Scores, threshold: float
) -> float | None:
    if config.main_metric is None or labels(config, rows).nunique() < 2:
        return None
    value = measure_built_in(config.main_metric, config, rows, scores, threshold)
    return value if math.isfinite(value) else None
