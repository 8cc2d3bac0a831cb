"""The built-in metrics, by their scikit-learn names: one table, all about a metric in one entry.

To add a metric, add an entry; tests/test_metrics.py goes over all of them. Averages over classes
are part of the name: `_macro` counts each class alike, `_weighted` by its rows, and `_ovr` is the
mean of one class against the rest. `cost` is what wrong decisions cost per row, in the prices of
the YAML; `_at_budget` looks at the highest scores, as many as the YAML allows alerts.

Not here: computing a metric (tasks/model/metrics.py), on many resamples
(tasks/model/weighted_metrics.py).
"""

import math
import pkgutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

Kind = Literal["binary", "multiclass", "regression"]
Need = Literal["prices", "alert_budget"]

BINARY: tuple[Kind, ...] = ("binary",)
MULTICLASS: tuple[Kind, ...] = ("multiclass",)
CLASSIFICATION: tuple[Kind, ...] = ("binary", "multiclass")
REGRESSION: tuple[Kind, ...] = ("regression",)


@dataclass(frozen=True)
class Function:
    """A function named by its import path, so that reading a YAML imports no scikit-learn."""

    path: str
    arguments: dict[str, Any]

    def resolve(self) -> Callable[..., Any]:
        """Import the function and bind its arguments."""
        return partial(pkgutil.resolve_name(self.path), **self.arguments)


@dataclass(frozen=True)
class BuiltInMetric:
    """What there is to know about one metric.

    kinds: the kinds of models that it measures.
    sees: what it compares with the target: decisions (a class, or the predicted number) or scores
        (probabilities).
    value: the metric of rows, `value(target, decisions or scores) -> float`.
    weighted: the metric of resampled rows, `weighted(target, decisions or scores)`, which returns
        a function of weights; None where resampling says nothing about the metric.
    range: how far its best value is from its worst; None where that has no end, or is not known.
    needs: what both functions are given besides, from the YAML's `threshold`, as a keyword
        argument of that name.
    """

    kinds: tuple[Kind, ...]
    sees: Literal["decisions", "scores"]
    value: Function
    weighted: Function | None
    greater_is_better: bool = True
    range: float | None = None
    needs: Need | None = None


def _function(path: str, **arguments: Any) -> Function:
    return Function(path, arguments)


METRICS: dict[str, BuiltInMetric] = {
    "accuracy": BuiltInMetric(
        kinds=CLASSIFICATION,
        sees="decisions",
        value=_function("sklearn.metrics:accuracy_score"),
        weighted=_function("tasks.model.weighted_metrics:accuracy"),
        range=1.0,
    ),
    "average_precision": BuiltInMetric(
        kinds=BINARY,
        sees="scores",
        value=_function("sklearn.metrics:average_precision_score"),
        weighted=_function("tasks.model.weighted_metrics:average_precision"),
        range=1.0,
    ),
    "balanced_accuracy": BuiltInMetric(
        kinds=CLASSIFICATION,
        sees="decisions",
        value=_function("sklearn.metrics:balanced_accuracy_score"),
        weighted=_function(
            "tasks.model.weighted_metrics:class_mean", of="recall", over="with_rows"
        ),
        range=1.0,
    ),
    "brier_score": BuiltInMetric(
        kinds=BINARY,
        sees="scores",
        value=_function("sklearn.metrics:brier_score_loss"),
        weighted=_function("tasks.model.weighted_metrics:mean_squared_error"),
        greater_is_better=False,
        range=1.0,
    ),
    "cost": BuiltInMetric(
        kinds=BINARY,
        sees="decisions",
        value=_function("tasks.model.metrics:mean_cost"),
        weighted=_function("tasks.model.weighted_metrics:mean_cost"),
        greater_is_better=False,
        needs="prices",
    ),
    "expected_calibration_error": BuiltInMetric(
        kinds=BINARY,
        sees="scores",
        value=_function("tasks.model.metrics:expected_calibration_error"),
        weighted=_function("tasks.model.weighted_metrics:expected_calibration_error"),
        greater_is_better=False,
        range=1.0,
    ),
    "explained_variance": BuiltInMetric(
        kinds=REGRESSION,
        sees="decisions",
        value=_function("sklearn.metrics:explained_variance_score"),
        weighted=_function("tasks.model.weighted_metrics:explained_share", centred=True),
    ),
    "f1": BuiltInMetric(
        kinds=BINARY,
        sees="decisions",
        value=_function("sklearn.metrics:f1_score", zero_division=0.0),
        weighted=_function("tasks.model.weighted_metrics:of_positive_class", of="f1"),
        range=1.0,
    ),
    "f1_macro": BuiltInMetric(
        kinds=MULTICLASS,
        sees="decisions",
        value=_function("sklearn.metrics:f1_score", average="macro", zero_division=0.0),
        weighted=_function("tasks.model.weighted_metrics:class_mean", of="f1", over="all"),
        range=1.0,
    ),
    "f1_weighted": BuiltInMetric(
        kinds=MULTICLASS,
        sees="decisions",
        value=_function("sklearn.metrics:f1_score", average="weighted", zero_division=0.0),
        weighted=_function("tasks.model.weighted_metrics:class_mean", of="f1", over="rows"),
        range=1.0,
    ),
    "log_loss": BuiltInMetric(
        kinds=CLASSIFICATION,
        sees="scores",
        value=_function("tasks.model.metrics:log_loss"),
        weighted=_function("tasks.model.weighted_metrics:log_loss"),
        greater_is_better=False,
        # -log of the smallest probability that scikit-learn leaves
        range=-math.log(sys.float_info.epsilon),
    ),
    "matthews_corrcoef": BuiltInMetric(
        kinds=CLASSIFICATION,
        sees="decisions",
        value=_function("sklearn.metrics:matthews_corrcoef"),
        weighted=_function("tasks.model.weighted_metrics:matthews_corrcoef"),
        range=2.0,
    ),
    # no resample holds a larger error than the rows themselves: no interval
    "max_error": BuiltInMetric(
        kinds=REGRESSION,
        sees="decisions",
        value=_function("sklearn.metrics:max_error"),
        weighted=None,
        greater_is_better=False,
    ),
    "mean_absolute_error": BuiltInMetric(
        kinds=REGRESSION,
        sees="decisions",
        value=_function("sklearn.metrics:mean_absolute_error"),
        weighted=_function("tasks.model.weighted_metrics:mean_absolute_error"),
        greater_is_better=False,
    ),
    "mean_absolute_percentage_error": BuiltInMetric(
        kinds=REGRESSION,
        sees="decisions",
        value=_function("sklearn.metrics:mean_absolute_percentage_error"),
        weighted=_function("tasks.model.weighted_metrics:mean_absolute_percentage_error"),
        greater_is_better=False,
    ),
    "mean_squared_error": BuiltInMetric(
        kinds=REGRESSION,
        sees="decisions",
        value=_function("sklearn.metrics:mean_squared_error"),
        weighted=_function("tasks.model.weighted_metrics:mean_squared_error"),
        greater_is_better=False,
    ),
    "median_absolute_error": BuiltInMetric(
        kinds=REGRESSION,
        sees="decisions",
        value=_function("sklearn.metrics:median_absolute_error"),
        weighted=_function("tasks.model.weighted_metrics:median_absolute_error"),
        greater_is_better=False,
    ),
    "precision": BuiltInMetric(
        kinds=BINARY,
        sees="decisions",
        value=_function("sklearn.metrics:precision_score", zero_division=0.0),
        weighted=_function("tasks.model.weighted_metrics:of_positive_class", of="precision"),
        range=1.0,
    ),
    "precision_at_budget": BuiltInMetric(
        kinds=BINARY,
        sees="scores",
        value=_function("tasks.model.metrics:precision_at_budget"),
        weighted=_function("tasks.model.weighted_metrics:precision_at_budget"),
        needs="alert_budget",
        range=1.0,
    ),
    "precision_macro": BuiltInMetric(
        kinds=MULTICLASS,
        sees="decisions",
        value=_function("sklearn.metrics:precision_score", average="macro", zero_division=0.0),
        weighted=_function("tasks.model.weighted_metrics:class_mean", of="precision", over="all"),
        range=1.0,
    ),
    "r2": BuiltInMetric(
        kinds=REGRESSION,
        sees="decisions",
        value=_function("sklearn.metrics:r2_score"),
        weighted=_function("tasks.model.weighted_metrics:explained_share", centred=False),
    ),
    "recall": BuiltInMetric(
        kinds=BINARY,
        sees="decisions",
        value=_function("sklearn.metrics:recall_score", zero_division=0.0),
        weighted=_function("tasks.model.weighted_metrics:of_positive_class", of="recall"),
        range=1.0,
    ),
    "recall_at_budget": BuiltInMetric(
        kinds=BINARY,
        sees="scores",
        value=_function("tasks.model.metrics:recall_at_budget"),
        weighted=_function("tasks.model.weighted_metrics:recall_at_budget"),
        needs="alert_budget",
        range=1.0,
    ),
    "recall_macro": BuiltInMetric(
        kinds=MULTICLASS,
        sees="decisions",
        value=_function("sklearn.metrics:recall_score", average="macro", zero_division=0.0),
        weighted=_function("tasks.model.weighted_metrics:class_mean", of="recall", over="all"),
        range=1.0,
    ),
    "roc_auc": BuiltInMetric(
        kinds=BINARY,
        sees="scores",
        value=_function("sklearn.metrics:roc_auc_score"),
        weighted=_function("tasks.model.weighted_metrics:roc_auc"),
        range=1.0,
    ),
    "roc_auc_ovr": BuiltInMetric(
        kinds=MULTICLASS,
        sees="scores",
        value=_function("tasks.model.metrics:roc_auc_ovr"),
        weighted=_function("tasks.model.weighted_metrics:roc_auc_ovr"),
        range=1.0,
    ),
    "root_mean_squared_error": BuiltInMetric(
        kinds=REGRESSION,
        sees="decisions",
        value=_function("sklearn.metrics:root_mean_squared_error"),
        weighted=_function("tasks.model.weighted_metrics:root_mean_squared_error"),
        greater_is_better=False,
    ),
}


def metrics_of(kind: Kind) -> tuple[str, ...]:
    """The names of the metrics of one kind of model, in alphabetical order."""
    return tuple(name for name, metric in METRICS.items() if kind in metric.kinds)


def greater_is_better(name: str) -> bool:
    """Whether a larger value of a built-in metric is better."""
    return METRICS[name].greater_is_better


def sees_decisions(name: str) -> bool:
    """Whether a built-in metric looks at decisions; if not, it looks at scores."""
    return METRICS[name].sees == "decisions"


def needs(name: str) -> Need | None:
    """What the YAML's `threshold` must give a metric; None for most, and for a model's own."""
    return METRICS[name].needs if name in METRICS else None
