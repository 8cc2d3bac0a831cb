"""The metrics of a fitted estimator on both partitions, beside baselines that ignore the features.

Not here: what a metric is (metrics.py), whether the metrics are good enough (tasks/verdict).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from configs.built_in_metrics import greater_is_better
from configs.model import ModelConfig
from tasks.data.hooks import Hooks
from tasks.data.splits import Partitions
from tasks.model.baselines import measure_baseline, score_baselines
from tasks.model.metrics import measure
from tasks.model.scores import Scores, score, threshold_of


@dataclass(frozen=True)
class Evaluation:
    """Metrics by name on both partitions and of each baseline on the holdout, and the scores.

    `scores` and `baseline_scores` are those of the holdout. A run that read no holdout has nothing
    of it here. `doubt` says which baseline does as well, or is empty.
    """

    train: dict[str, float]
    train_scores: Scores
    holdout: dict[str, float]
    baselines: dict[str, dict[str, float]]
    baseline_scores: dict[str, Scores]
    scores: Scores
    threshold: float
    doubt: str = ""

    def __str__(self) -> str:
        shown = self.holdout or self.train
        metrics = [f"{name} {shown[name]:.3f}{self._baseline_of(name)}" for name in list(shown)[:3]]
        text = "  ".join(metrics)
        return f"{text}; {self.doubt}" if self.doubt else text

    def _baseline_of(self, metric: str) -> str:
        """The value of each baseline for the first metric; empty for the others."""
        if metric != next(iter(self.holdout), None):
            return ""
        values = [
            f"{metrics[metric]:.3f}" for metrics in self.baselines.values() if metric in metrics
        ]
        return f" (baseline {', '.join(values)})" if values else ""


def evaluate(
    estimator: BaseEstimator, config: ModelConfig, hooks: Hooks, partitions: Partitions
) -> Evaluation:
    """Evaluate on the training rows and, where there are any, on the holdout."""
    threshold = threshold_of(estimator)
    train_scores = score(estimator, config, partitions.train)
    on_train = measure(config, hooks, partitions.train, train_scores, threshold)
    if partitions.holdout.empty:
        no_scores = pd.Series(dtype="float64")
        return Evaluation(on_train, train_scores, {}, {}, {}, no_scores, threshold)

    scores = score(estimator, config, partitions.holdout)
    on_holdout = measure(config, hooks, partitions.holdout, scores, threshold)
    baseline_scores = score_baselines(config, partitions.train, partitions.holdout)
    baselines = {
        name: measure_baseline(config, hooks, partitions.holdout, scores_of_one)
        for name, scores_of_one in baseline_scores.items()
    }
    return Evaluation(
        train=on_train,
        train_scores=train_scores,
        holdout=on_holdout,
        baselines=baselines,
        baseline_scores=baseline_scores,
        scores=scores,
        threshold=threshold,
        doubt=_doubt(config, on_holdout, baselines),
    )


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
