"""From which score on a binary model decides for the positive class.

It is chosen on rows that the model neither learned from nor is judged on. Dated data have them in
the delay; otherwise each training row is scored by a model that was fitted without it.
Not here: what each threshold decides and is worth (threshold_options.py), what wrong decisions cost
on the holdout (metrics.py).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import (
    FixedThresholdClassifier,
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_predict,
)
from sklearn.pipeline import Pipeline

from configs.errors import DataRejected
from configs.model import ModelConfig
from configs.threshold import Threshold
from tasks.data.labels import labels
from tasks.data.splits import Partitions
from tasks.foreign_errors import told_as
from tasks.model.metrics import days
from tasks.model.scores import score
from tasks.model.threshold_options import options_of
from tasks.model.training import fit_weights

FOLDS = 5


@dataclass(frozen=True)
class ThresholdChoice:
    """The threshold, its aim, the rows it was chosen on, and how many it decides rightly there."""

    value: float
    aim: str
    rows: str
    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int
    # what the aim is about, as it may be on other rows; empty where the aim is the lowest cost
    expected: str = ""

    def __str__(self) -> str:
        positives = self.true_positives + self.false_negatives
        return (
            f"threshold {self.value:.4g} ({self.aim}): on {self.rows} {self.true_positives:,} "
            f"of {positives:,} positives found, {self.false_positives:,} false alerts"
            f"{self.expected}"
        )


@dataclass(frozen=True)
class _UnseenRows:
    """Rows of known labels, their scores by estimators that have not seen them, and a name."""

    rows: pd.DataFrame
    scores: "pd.Series[float]"
    name: str


def choose_threshold(
    pipeline: Pipeline, config: ModelConfig, partitions: Partitions
) -> tuple[BaseEstimator, ThresholdChoice | None]:
    """The pipeline with the threshold that the YAML requests, and how that was chosen.

    Without a `threshold` in the YAML, the pipeline as it is, and None.
    """
    if config.threshold is None:
        return pipeline, None
    unseen = _score_unseen_rows(pipeline, config, partitions)
    features, target = unseen.rows[list(config.data.features)], labels(config, unseen.rows)
    span = days(config, unseen.rows)
    choice = choose(config.threshold, target, unseen.scores, span, unseen.name)
    classifier = FixedThresholdClassifier(
        FrozenEstimator(pipeline), threshold=choice.value, response_method="predict_proba"
    )
    return classifier.fit(features, target), choice


def choose(
    aim: Threshold, target: "pd.Series[Any]", scores: "pd.Series[float]", days: int, rows: str
) -> ThresholdChoice:
    """The threshold that serves the aim best on these rows; DataRejected where none reaches it.

    `days` is how many the rows span, `rows` what to call them.
    """
    options = options_of(target, scores)
    allowed, worth = options.rate(aim, days)
    if not allowed.any():
        raise DataRejected(
            f"no threshold has {aim} on {rows}: the best {aim.kind}"
            f"{f' to be {aim.sure:.0%} sure of' if aim.sure else ''} is "
            f"{options.assured(aim).max():.3g}; lower threshold.{aim.kind} in the YAML"
        )
    best = int(np.argmax(np.where(allowed, worth, -np.inf)))
    return ThresholdChoice(
        value=float(options.threshold[best]),
        aim=str(aim),
        rows=rows,
        true_positives=int(options.true_positives[best]),
        false_positives=int(options.false_positives[best]),
        false_negatives=int(options.false_negatives[best]),
        true_negatives=int(options.true_negatives[best]),
        expected=options.expected(aim, days, best),
    )


def _score_unseen_rows(
    pipeline: Pipeline, config: ModelConfig, partitions: Partitions
) -> _UnseenRows:
    """The rows of the delay; where there is none, the training rows, scored by cross-validation."""
    if not partitions.delay.empty:
        scores = pd.Series(score(pipeline, config, partitions.delay))
        return _UnseenRows(partitions.delay, scores, f"{len(scores):,} rows of the delay")
    rows = partitions.train
    groups = _groups(config, rows)
    folding = StratifiedKFold if groups is None else StratifiedGroupKFold
    with told_as(
        f"{config.train.estimator} cannot be fitted in {FOLDS} folds", config.data.private_inputs
    ):
        probabilities = cross_val_predict(
            clone(pipeline),
            rows[list(config.data.features)],
            labels(config, rows),
            groups=groups,
            cv=folding(FOLDS, shuffle=True, random_state=config.train.seed),
            method="predict_proba",
            params=fit_weights(config, rows),
        )
    return _UnseenRows(
        rows,
        pd.Series(probabilities[:, 1], index=rows.index),
        f"{len(rows):,} training rows, each scored by a model without it,",
    )


def _groups(config: ModelConfig, rows: pd.DataFrame) -> "pd.Series[Any] | None":
    """What stays together in a fold, shape (n,): the split's groups, else the comparison's units.

    None where neither is named, or there are fewer units than folds. Times mean days.
    """
    names = (config.split.group, *config.comparison.units)
    name = next((name for name in names if name), None)
    if name is None:
        return None
    groups = rows[name].dt.normalize() if rows[name].dtype.kind == "M" else rows[name]
    enough = config.split.group or groups.nunique() >= FOLDS
    return groups if enough else None
