"""What a fitted estimator answers for rows, as scores, and what it decides by them."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from configs.model import ModelConfig
from tasks.foreign_errors import told_as

# where none is chosen
THRESHOLD = 0.5

# Indexed as the rows. Binary: the probability of the positive class. Regression: the prediction.
# Multiclass: a column of probabilities for each class.
Scores = pd.Series | pd.DataFrame


def score(estimator: Any, config: ModelConfig, rows: pd.DataFrame) -> Scores:
    """The scores of each row by an estimator that takes the features.

    ConfigError where it cannot score them.
    """
    with told_as(
        f"{config.train.estimator} cannot score {len(rows):,} rows", config.data.private_inputs
    ):
        return _score(estimator, config, rows)


def _score(estimator: Any, config: ModelConfig, rows: pd.DataFrame) -> Scores:
    features = rows[list(config.data.features)]
    if config.kind == "regression":
        predicted = np.ravel(estimator.predict(features)).astype("float64")
        return pd.Series(predicted, index=rows.index, name="prediction")
    probabilities = estimator.predict_proba(features)
    if config.kind == "binary":
        return pd.Series(probabilities[:, 1], index=rows.index, name="score")
    return pd.DataFrame(probabilities, index=rows.index, columns=estimator.classes_)


def threshold_of(estimator: Any) -> float:
    """The score from which on `predict` decides for the positive class."""
    last = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
    chosen = getattr(last, "best_threshold_", getattr(last, "threshold", THRESHOLD))
    return float(chosen) if isinstance(chosen, float) else THRESHOLD


def decisions(config: ModelConfig, scores: Scores, threshold: float) -> "pd.Series[Any]":
    """The answer for each row, shape (n,): 1 from the threshold on, the likeliest class, or the
    predicted number."""
    if isinstance(scores, pd.DataFrame):
        return scores.idxmax(axis="columns")
    return (scores >= threshold).astype("int64") if config.kind == "binary" else scores


def as_table(scores: Scores) -> pd.DataFrame:
    """The scores as named columns: `score`, `prediction`, or `score_CLASS` for each class."""
    return scores.add_prefix("score_") if isinstance(scores, pd.DataFrame) else scores.to_frame()
