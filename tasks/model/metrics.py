"""The metrics of rows: scikit-learn's, ours where it has none, and the model's own from its hooks.

Not here: which function belongs to which metric (configs/built_in_metrics.py), the same metrics on many
resamples (weighted_metrics.py), whether the values are good enough (tasks/verdict).
"""

import math
from typing import Any

import numpy as np
import pandas as pd
from sklearn import metrics

from configs.built_in_metrics import METRICS, Function
from configs.errors import HookFailed
from configs.model import ModelConfig
from configs.threshold import Threshold
from tasks.data.hooks import Hooks
from tasks.data.labels import labels
from tasks.model.scores import Scores, decisions

CALIBRATION_BINS = 10


def measure(
    config: ModelConfig, hooks: Hooks, rows: pd.DataFrame, scores: Scores, threshold: float
) -> dict[str, float]:
    """Every metric that the YAML names, by its name; HookFailed where one of the model's own fails.

    A metric that is undefined on these rows, as when a class has none, is left out.
    """
    values = {}
    for name in config.metric_names:
        if name in config.own_metrics:
            value = measure_own(name, hooks, rows, scores)
        else:
            value = measure_built_in(name, config, rows, scores, threshold)
        if math.isfinite(value):
            values[name] = value
    return values


def measure_built_in(
    name: str, config: ModelConfig, rows: pd.DataFrame, scores: Scores, threshold: float
) -> float:
    """One built-in metric; NaN where it needs a class that has no rows."""
    return float(apply(METRICS[name].value, name, config, rows, scores, threshold))


def measure_own(name: str, hooks: Hooks, rows: pd.DataFrame, scores: Scores) -> float:
    """One of the model's own metrics; HookFailed unless the hook returns a finite number."""
    value = hooks.call(name, rows.copy(), scores.copy())
    is_number = isinstance(value, int | float | np.number)
    if is_number and math.isfinite(value):
        return float(value)
    # any other value is named by its type alone: it may hold private rows
    shown = repr(value) if is_number or value is None else f"a {type(value).__name__}"
    raise HookFailed(f"metric {name} returned {shown}; it must be a finite number")


def apply(
    function: Function,
    name: str,
    config: ModelConfig,
    rows: pd.DataFrame,
    scores: Scores,
    threshold: float,
) -> Any:
    """Call a function of a built-in metric with the target, what the metric sees and what it needs.

    `function` is the metric's `value` or its `weighted`.
    """
    metric = METRICS[name]
    target = labels(config, rows)
    seen = decisions(config, scores, threshold) if metric.sees == "decisions" else scores
    match metric.needs:
        case "prices":
            return function.resolve()(target, seen, prices=config.threshold)
        case "alert_budget":
            return function.resolve()(target, seen, alert_budget=_alert_budget(config, rows))
        case None:
            return function.resolve()(target, seen)


def _alert_budget(config: ModelConfig, rows: pd.DataFrame) -> float:
    """How many alerts may be raised on these rows."""
    assert config.threshold
    assert config.threshold.alerts_a_day
    return float(config.threshold.alerts_a_day * days(config, rows))


def days(config: ModelConfig, rows: pd.DataFrame) -> int:
    """How many days have rows; one where rows are not dated."""
    return int(rows[config.data.time].dt.normalize().nunique()) if config.data.time else 1


def mean_cost(target: "pd.Series[Any]", decided: "pd.Series[Any]", *, prices: Threshold) -> float:
    """The cost of wrong decisions per row."""
    return float(costs(target, decided, prices).mean())


def costs(
    target: "pd.Series[Any]", decided: "pd.Series[Any]", prices: Threshold
) -> "pd.Series[float]":
    """The cost of each row's decision at the YAML's prices of wrong ones, shape (n,)."""
    false_positives = (decided == 1) & (target == 0)
    false_negatives = (decided == 0) & (target == 1)
    return false_positives * prices.false_positive + false_negatives * prices.false_negative


def precision_at_budget(
    target: "pd.Series[Any]", scores: "pd.Series[float]", *, alert_budget: float
) -> float:
    """The share of positives among the highest scores, as many as the budget allows."""
    return float(_hits(target, scores, alert_budget) / min(alert_budget, len(target)))


def recall_at_budget(
    target: "pd.Series[Any]", scores: "pd.Series[float]", *, alert_budget: float
) -> float:
    """The share of all positives that is among the highest scores within the budget."""
    return float(_hits(target, scores, alert_budget) / target.sum())


def _hits(
    target: "pd.Series[Any]", scores: "pd.Series[float]", alert_budget: float
) -> "np.floating[Any]":
    """The positives among the highest scores; of equal scores only the share the budget covers."""
    by_score = pd.DataFrame({"alerts": 1, "hits": target}).groupby(-scores).sum()
    cumulated = by_score.cumsum()
    hits: np.floating[Any] = np.interp(
        alert_budget, [0, *cumulated["alerts"]], [0, *cumulated["hits"]]
    )
    return hits


def expected_calibration_error(target: "pd.Series[Any]", scores: "pd.Series[float]") -> float:
    """How far scores are off per row: |positives - sum of scores|, summed over bins.

    The bins are ten, of equal width. Source: Naeini, Cooper, Hauskrecht (2015), Obtaining well
    calibrated probabilities using Bayesian binning.
    """
    gap_of_bin = (target - scores).groupby(calibration_bin(scores)).sum()
    return float(gap_of_bin.abs().sum() / len(target))


def calibration_bin(scores: "pd.Series[float]") -> "pd.Series[int]":
    """The number of each score's bin, from 0; a bin holds its lower edge, and the last also 1."""
    return (scores * CALIBRATION_BINS).astype("int64").clip(upper=CALIBRATION_BINS - 1)


def log_loss(target: "pd.Series[Any]", scores: Scores) -> float:
    """scikit-learn's, told the classes by name: some may have no rows here."""
    classes = list(scores.columns) if isinstance(scores, pd.DataFrame) else None
    return float(metrics.log_loss(target, scores, labels=classes))


def roc_auc_ovr(target: "pd.Series[Any]", scores: pd.DataFrame) -> float:
    """The mean area under the ROC curve of each class against the rest; NaN if one has no rows."""
    classes = list(scores.columns)
    if set(classes) != set(target):
        return math.nan
    area = metrics.roc_auc_score(target, scores, multi_class="ovr", average="macro", labels=classes)
    return float(area)
