"""The metrics of a fitted estimator on both partitions, beside baselines that ignore the features.

Not here: what a metric is (metrics.py), whether the metrics are good enough (tasks/verdict).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier, DummyRegressor

from configs.built_in_metrics import greater_is_better
from configs.model import ModelConfig
from tasks.data.hooks import Hooks
from tasks.data.labels import labels
from tasks.data.splits import Partitions
from tasks.model.metrics import measure
from tasks.model.scores import THRESHOLD, Scores, score, threshold_of


@dataclass(frozen=True)
class Evaluation:
    """Metrics by name on both partitions and of each baseline on the holdout, and the scores.

    `scores` are those of the holdout. A run that read no holdout has nothing of it here. `doubt`
    says which baseline does as well, or is empty.
    """

    train: dict[str, float]
    train_scores: Scores
    holdout: dict[str, float]
    baselines: dict[str, dict[str, float]]
    scores: Scores
    threshold: float
    doubt: str = ""

    def __str__(self) -> str:
        shown = self.holdout or self.train
        metrics = "  ".join(f"{name} {shown[name]:.3f}" for name in list(shown)[:3])
        return f"{metrics}; {self.doubt}" if self.doubt else metrics


def evaluate(
    estimator: BaseEstimator, config: ModelConfig, hooks: Hooks, partitions: Partitions
) -> Evaluation:
    """Evaluate on the training rows and, where there are any, on the holdout."""
    threshold = threshold_of(estimator)
    train_scores = score(estimator, config, partitions.train)
    on_train = measure(config, hooks, partitions.train, train_scores, threshold)
    if partitions.holdout.empty:
        no_scores = pd.Series(dtype="float64")
        return Evaluation(on_train, train_scores, {}, {}, no_scores, threshold)

    scores = score(estimator, config, partitions.holdout)
    on_holdout = measure(config, hooks, partitions.holdout, scores, threshold)
    baselines = _measure_baselines(config, hooks, partitions)
    doubt = _doubt(config, on_holdout, baselines)
    return Evaluation(on_train, train_scores, on_holdout, baselines, scores, threshold, doubt)


def _measure_baselines(
    config: ModelConfig, hooks: Hooks, partitions: Partitions
) -> dict[str, dict[str, float]]:
    """The metrics of each baseline on the holdout."""
    measured = {}
    for name, baseline in fit_baselines(config, partitions.train).items():
        scores = score(baseline, config, partitions.holdout)
        measured[name] = measure(config, hooks, partitions.holdout, scores, THRESHOLD)
    return measured


def fit_baselines(
    config: ModelConfig, rows: pd.DataFrame
) -> dict[str, DummyClassifier | DummyRegressor]:
    """What any model should beat: the most frequent class, or the mean.

    For dated numbers also the newest value.
    """
    features, target = rows[list(config.data.features)], labels(config, rows)
    if config.kind != "regression":
        return {"most_frequent": DummyClassifier(strategy="prior").fit(features, target)}
    baselines = {"mean": DummyRegressor(strategy="mean").fit(features, target)}
    if config.data.time:
        newest = float(target.iloc[rows[config.data.time].argmax()])
        last_value = DummyRegressor(strategy="constant", constant=np.array([newest]))
        baselines["last_value"] = last_value.fit(features, target)
    return baselines


def _doubt(
    config: ModelConfig, measured: dict[str, float], baselines: dict[str, dict[str, float]]
) -> str:
    """That a baseline does as well in the first built-in metric; empty where none does."""
    metric = config.main_metric
    if metric is None or metric not in measured:
        return ""
    sign = 1 if greater_is_better(metric) else -1
    values = {name: metrics.get(metric, np.nan) for name, metrics in baselines.items()}
    best = max(values, key=lambda name: sign * values[name])
    if sign * measured[metric] > sign * values[best]:
        return ""
    return (
        f"no better than its baseline ({best}): "
        f"{metric} {measured[metric]:.3f} against {values[best]:.3f}"
    )
