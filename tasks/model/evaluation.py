"""A fitted model on both partitions, beside baselines that know nothing of the features.

Not here: what a metric is (metrics.py); whether the metrics are enough (tasks/verdict).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier, DummyRegressor

from configs.metrics import LOWER_IS_BETTER
from configs.model import ModelConfig
from tasks.data.hooks import Hooks
from tasks.data.labels import labels
from tasks.data.splits import Partitions
from tasks.model.metrics import measure
from tasks.model.scores import THRESHOLD, Scores, score, threshold_of


@dataclass(frozen=True)
class Evaluation:
    """Metrics by name of a model on both partitions and of each baseline on the holdout, and the scores of both. A run that read no holdout has none of its."""

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
    model: BaseEstimator, config: ModelConfig, hooks: Hooks, partitions: Partitions
) -> Evaluation:
    """The model on the training rows and, where there are any, on the holdout."""
    threshold, train_scores = threshold_of(model), score(model, config, partitions.train)
    on_train = measure(config, hooks, partitions.train, train_scores, threshold)
    if partitions.holdout.empty:
        return Evaluation(on_train, train_scores, {}, {}, pd.Series(dtype="float64"), threshold)
    scores = score(model, config, partitions.holdout)
    on_holdout = measure(config, hooks, partitions.holdout, scores, threshold)
    baselines = {
        name: measure(
            config,
            hooks,
            partitions.holdout,
            score(baseline, config, partitions.holdout),
            THRESHOLD,
        )
        for name, baseline in fit_baselines(config, partitions.train).items()
    }
    return Evaluation(
        on_train,
        train_scores,
        on_holdout,
        baselines,
        scores,
        threshold,
        _doubt(config, on_holdout, baselines),
    )


def fit_baselines(
    config: ModelConfig, rows: pd.DataFrame
) -> dict[str, DummyClassifier | DummyRegressor]:
    """What any model should beat: the most frequent class, or the mean; for dated numbers also the last value there was."""
    features, target = rows[list(config.data.features)], labels(config, rows)
    if config.kind != "regression":
        return {"most_frequent": DummyClassifier(strategy="prior").fit(features, target)}
    baselines = {"mean": DummyRegressor(strategy="mean").fit(features, target)}
    if config.data.time:
        last = float(target.iloc[rows[config.data.time].argmax()])
        baselines["last_value"] = DummyRegressor(
            strategy="constant", constant=np.array([last])
        ).fit(features, target)
    return baselines


def _doubt(
    config: ModelConfig, found: dict[str, float], baselines: dict[str, dict[str, float]]
) -> str:
    """That a baseline is as good in the first metric whose better side is known; empty where none is."""
    main = config.main_metric
    if main not in found:
        return ""
    sign = -1 if main in LOWER_IS_BETTER else 1
    name, best = max(
        ((name, metrics.get(main, np.nan)) for name, metrics in baselines.items()),
        key=lambda pair: sign * pair[1],
    )
    beaten = sign * found[main] > sign * best
    return (
        ""
        if beaten
        else f"no better than its baseline ({name}): {main} {found[main]:.3f} against {best:.3f}"
    )
