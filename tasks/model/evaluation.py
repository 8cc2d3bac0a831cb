"""Scores of a fitted model on rows, and the metrics they come to.

Metrics come from scikit-learn directly, at the decision threshold of 0.5. Not here: whether they are enough (tasks/verdict).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn import metrics
from sklearn.pipeline import Pipeline

from configs.schema import BUILT_IN_METRICS, ModelConfig
from tasks.data.hooks import Hooks
from tasks.data.splits import Parts
from tasks.errors import HookFailed

THRESHOLD = 0.5

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Evaluation:
    """A model on both parts: metrics by name, and the holdout's scores, shape (holdout rows,). A run that read no holdout has none."""

    train: dict[str, float]
    holdout: dict[str, float]
    scores: Scores

    def __str__(self) -> str:
        shown = self.holdout or self.train
        return "  ".join(f"{name} {shown[name]:.3f}" for name in list(shown)[:3])


def evaluate(model: Pipeline, config: ModelConfig, hooks: Hooks, parts: Parts) -> Evaluation:
    """The model on the training rows and, where there are any, on the holdout."""
    on_train = measure(config, hooks, parts.train, score(model, config, parts.train))
    if parts.holdout.empty:
        return Evaluation(on_train, {}, np.empty(0))
    scores = score(model, config, parts.holdout)
    return Evaluation(on_train, measure(config, hooks, parts.holdout, scores), scores)


def score(model: Pipeline, config: ModelConfig, rows: pd.DataFrame) -> Scores:
    """The probability of the positive class for each row, shape (n,)."""
    probabilities: Scores = model.predict_proba(rows[list(config.data.features)])
    return probabilities[:, 1]


def measure(config: ModelConfig, hooks: Hooks, rows: pd.DataFrame, scores: Scores) -> dict[str, float]:
    """Every metric that the YAML names, by its name; each a finite number, or HookFailed for the model's own that is not."""
    target = rows[config.data.target].to_numpy()
    return {
        name: _built_in(name, target, scores) if name in BUILT_IN_METRICS else _own(name, hooks, rows, scores)
        for name in config.metrics
    }


def _built_in(name: str, target: NDArray[Any], scores: Scores) -> float:
    on_scores: dict[str, Callable[[NDArray[Any], Scores], float]] = {
        "roc_auc": metrics.roc_auc_score,
        "average_precision": metrics.average_precision_score,
        "log_loss": metrics.log_loss,
        "brier_score": metrics.brier_score_loss,
    }
    if name in on_scores:
        return float(on_scores[name](target, scores))
    on_decisions = {"precision": metrics.precision_score, "recall": metrics.recall_score, "f1": metrics.f1_score}
    return float(on_decisions[name](target, scores >= THRESHOLD, zero_division=0.0))


def _own(name: str, hooks: Hooks, rows: pd.DataFrame, scores: Scores) -> float:
    value = hooks.call(name, rows.copy(), pd.Series(scores, index=rows.index))
    if not isinstance(value, int | float | np.number) or not math.isfinite(value):
        answer = repr(value) if isinstance(value, int | float | np.number | None) else f"a {type(value).__name__}"  # never its rows
        raise HookFailed(f"metric {name} answered {answer}; it must be a finite number")
    return float(value)
