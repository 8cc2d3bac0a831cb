"""From which score on a binary model decides for the positive class: chosen on rows that it neither learned from nor is judged on.

Dated data have them in the delay; for others each row is scored by a model that was fitted without it. Not here: what wrong decisions
come to on the holdout (metrics.py).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import confusion_matrix_at_thresholds
from sklearn.model_selection import (
    FixedThresholdClassifier,
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_predict,
)
from sklearn.pipeline import Pipeline

from configs.errors import DataRejected
from configs.judging import Threshold
from configs.model import ModelConfig
from configs.split import ColumnSplit, HashSplit
from tasks.data.labels import labels
from tasks.data.splits import Partitions
from tasks.model.metrics import days
from tasks.model.scores import score
from tasks.model.training import fit_weights

FOLDS = 5


@dataclass(frozen=True)
class Choice:
    """The threshold, why, on what, and how many of those rows it decides rightly and wrongly."""

    value: float
    aim: str
    rows: str
    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int

    def __str__(self) -> str:
        found = f"{self.true_positives:,} of {self.true_positives + self.false_negatives:,} positives found"
        return f"threshold {self.value:.4g} ({self.aim}): on {self.rows} {found}, {self.false_positives:,} false alerts"


def with_threshold(
    pipeline: Pipeline, config: ModelConfig, partitions: Partitions
) -> tuple[BaseEstimator, Choice | None]:
    """The pipeline deciding at the threshold that the YAML asks for, and how that was chosen; as it is where the YAML asks for none."""
    if config.threshold is None:
        return pipeline, None
    rows, scores, said = _scored(pipeline, config, partitions)
    choice = choose(config.threshold, labels(config, rows), scores, days(config, rows), said)
    fixed = FixedThresholdClassifier(
        FrozenEstimator(pipeline), threshold=choice.value, response_method="predict_proba"
    )
    return fixed.fit(rows[list(config.data.features)], labels(config, rows)), choice


def choose(
    aim: Threshold, target: "pd.Series[Any]", scores: "pd.Series[float]", days: int, said: str
) -> Choice:
    """The threshold that serves the aim best on these rows; DataRejected where none does. `days` is how many they span."""
    tn, fp, fn, tp, at = (
        np.asarray(each, dtype="float64") for each in confusion_matrix_at_thresholds(target, scores)
    )
    at = np.append(at, np.nextafter(at.max(), np.inf))  # and one at which nothing is alerted
    tn, fp, fn, tp = (
        np.append(each, last)
        for each, last in zip((tn, fp, fn, tp), (tn[0] + fp[0], 0, fn[0] + tp[0], 0), strict=True)
    )
    precision, recall = (
        np.divide(tp, tp + fp, out=np.zeros_like(tp), where=tp + fp > 0),
        tp / (tp + fn),
    )
    if aim.minimise:
        allowed, worth = (
            np.full(len(at), True),
            -(fp * aim.false_positive + fn * aim.false_negative),
        )
    elif aim.alerts_a_day:
        allowed, worth = tp + fp <= aim.alerts_a_day * days, tp + fp
    elif aim.precision:
        allowed, worth = precision >= aim.precision, recall
    else:
        allowed, worth = recall >= (aim.recall or 0), precision
    if not allowed.any():
        raise DataRejected(
            f"no threshold has {aim} on {said}: the best precision is {precision.max():.3g}; ask for less under threshold"
        )
    best = int(np.argmax(np.where(allowed, worth, -np.inf)))
    return Choice(
        float(at[best]), str(aim), said, int(tp[best]), int(fp[best]), int(fn[best]), int(tn[best])
    )


def _scored(
    pipeline: Pipeline, config: ModelConfig, partitions: Partitions
) -> tuple[pd.DataFrame, "pd.Series[float]", str]:
    """Rows whose labels are known, scored by models that have not seen them."""
    if not partitions.delay.empty:
        return (
            partitions.delay,
            pd.Series(score(pipeline, config, partitions.delay)),
            f"{len(partitions.delay):,} rows of the delay",
        )
    rows, target = partitions.train, labels(config, partitions.train)
    group = config.split.group if isinstance(config.split, HashSplit | ColumnSplit) else None
    folds = (StratifiedGroupKFold if group else StratifiedKFold)(
        FOLDS, shuffle=True, random_state=config.train.seed
    )
    found = cross_val_predict(
        clone(pipeline), rows[list(config.data.features)], target, groups=rows[group] if group else None, cv=folds,
        method="predict_proba", params=fit_weights(config, rows),
    )  # fmt: skip
    return (
        rows,
        pd.Series(found[:, 1], index=rows.index),
        f"{len(rows):,} training rows, each scored by a model without it,",
    )
