"""The metrics of each kind of model, from scikit-learn directly, and the model's own from its hooks.

Not here: their names and which way they are better (configs/metrics.py); whether they are enough (tasks/verdict).
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn import metrics

from configs.errors import HookFailed
from configs.metrics import AT_BUDGET, COST, Kind
from configs.model import ModelConfig
from tasks.data.hooks import Hooks
from tasks.data.labels import labels
from tasks.model.scores import Scores, decisions

Metric = Callable[..., float]

BINS = 10  # of scores, for how well they are calibrated


def _expected_calibration_error(target: "pd.Series[Any]", scores: "pd.Series[float]") -> float:
    """By how much a score is off on average: |positives - sum of scores| of each of ten bins of equal width, a row.

    Source: Naeini, Cooper, Hauskrecht (2015), Obtaining well calibrated probabilities using Bayesian binning.
    """
    return float((target - scores).groupby(bin_of(scores)).sum().abs().sum() / len(target))


def bin_of(scores: "pd.Series[float]") -> "pd.Series[int]":
    """The number of each score's bin, from 0 up; its lower edge belongs to a bin, and 1 to the last."""
    return (scores * BINS).astype("int64").clip(upper=BINS - 1)


_macro: dict[str, Any] = {"average": "macro", "zero_division": 0.0}

ON_DECISIONS: dict[Kind, dict[str, Metric]] = {
    "binary": {
        "accuracy": metrics.accuracy_score,
        "balanced_accuracy": metrics.balanced_accuracy_score,
        "f1": partial(metrics.f1_score, zero_division=0.0),
        "matthews_corrcoef": metrics.matthews_corrcoef,
        "precision": partial(metrics.precision_score, zero_division=0.0),
        "recall": partial(metrics.recall_score, zero_division=0.0),
    },
    "multiclass": {
        "accuracy": metrics.accuracy_score,
        "balanced_accuracy": metrics.balanced_accuracy_score,
        "f1_macro": partial(metrics.f1_score, **_macro),
        "f1_weighted": partial(metrics.f1_score, average="weighted", zero_division=0.0),
        "matthews_corrcoef": metrics.matthews_corrcoef,
        "precision_macro": partial(metrics.precision_score, **_macro),
        "recall_macro": partial(metrics.recall_score, **_macro),
    },
    "regression": {
        "explained_variance": metrics.explained_variance_score,
        "max_error": metrics.max_error,
        "mean_absolute_error": metrics.mean_absolute_error,
        "mean_absolute_percentage_error": metrics.mean_absolute_percentage_error,
        "mean_squared_error": metrics.mean_squared_error,
        "median_absolute_error": metrics.median_absolute_error,
        "r2": metrics.r2_score,
        "root_mean_squared_error": metrics.root_mean_squared_error,
    },
}

ON_PROBABILITIES: dict[str, Metric] = {
    "average_precision": metrics.average_precision_score,
    "brier_score": metrics.brier_score_loss,
    "expected_calibration_error": _expected_calibration_error,
    "log_loss": metrics.log_loss,
    "roc_auc": metrics.roc_auc_score,
    "roc_auc_ovr": partial(metrics.roc_auc_score, multi_class="ovr", average="macro"),
}


def measure(
    config: ModelConfig, hooks: Hooks, rows: pd.DataFrame, scores: Scores, threshold: float
) -> dict[str, float]:
    """Every metric that the YAML names, by its name. One that cannot be had (a class has no rows) is left out; HookFailed for the model's own."""
    found = {
        name: measure_own(name, hooks, rows, scores)
        if name in config.own_metrics
        else measure_built_in(name, config, rows, scores, threshold)
        for name in config.metric_names
    }
    return {name: value for name, value in found.items() if math.isfinite(value)}


def measure_built_in(
    name: str, config: ModelConfig, rows: pd.DataFrame, scores: Scores, threshold: float
) -> float:
    """One metric by its scikit-learn name; NaN where a class that it needs has no rows."""
    target = labels(config, rows)
    if name == COST:
        return float(costs(config, target, decisions(config, scores, threshold)).mean())
    if name in AT_BUDGET:
        return _at_budget(name, target, scores, alert_budget(config, rows))
    if name in ON_DECISIONS[config.kind]:
        return float(ON_DECISIONS[config.kind][name](target, decisions(config, scores, threshold)))
    if isinstance(scores, pd.Series):
        return float(ON_PROBABILITIES[name](target, scores))
    if name == "roc_auc_ovr" and set(scores.columns) != set(target):
        return math.nan
    return float(ON_PROBABILITIES[name](target, scores, labels=list(scores.columns)))


def _at_budget(name: str, target: "pd.Series[Any]", scores: Any, budget: float) -> float:
    """Precision or recall of the highest scores, as many as the budget; of equal scores the share that is left of it."""
    reached = pd.DataFrame({"alerts": 1, "found": target}).groupby(-scores).sum().cumsum()
    found = np.interp(budget, [0, *reached["alerts"]], [0, *reached["found"]])
    return float(
        found / (min(budget, len(target)) if name.startswith("precision") else target.sum())
    )


def alert_budget(config: ModelConfig, rows: pd.DataFrame) -> float:
    """How many alerts may be raised on these rows."""
    assert config.threshold
    assert config.threshold.alerts_a_day
    return float(config.threshold.alerts_a_day * days(config, rows))


def days(config: ModelConfig, rows: pd.DataFrame) -> int:
    """How many days have rows; one where they are not dated."""
    return int(rows[config.data.time].dt.normalize().nunique()) if config.data.time else 1


def costs(
    config: ModelConfig, target: "pd.Series[Any]", decided: "pd.Series[Any]"
) -> "pd.Series[float]":
    """What the decision on each row costs, as the YAML prices wrong ones, shape (n,)."""
    assert config.threshold
    false_positives, false_negatives = (
        (decided == 1) & (target == 0),
        (decided == 0) & (target == 1),
    )
    return (
        false_positives * config.threshold.false_positive
        + false_negatives * config.threshold.false_negative
    )


def measure_own(name: str, hooks: Hooks, rows: pd.DataFrame, scores: Scores) -> float:
    value = hooks.call(name, rows.copy(), scores.copy())
    if not isinstance(value, int | float | np.number) or not math.isfinite(value):
        answer = (
            repr(value)
            if isinstance(value, int | float | np.number | None)
            else f"a {type(value).__name__}"
        )  # never its rows
        raise HookFailed(f"metric {name} answered {answer}; it must be a finite number")
    return float(value)
