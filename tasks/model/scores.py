"""What a fitted model says of rows: a probability, a probability of each class, or a number; and what it decides."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from configs.model import ModelConfig

THRESHOLD = 0.5  # where none is chosen

# indexed as the rows. Binary: the probability of the positive class. Regression: the prediction. Multiclass: a column for each class.
Scores = pd.Series | pd.DataFrame


def score(model: Any, config: ModelConfig, rows: pd.DataFrame) -> Scores:
    """The scores of each row by a model that takes the features."""
    features = rows[list(config.data.features)]
    if config.kind == "regression":
        return pd.Series(
            np.ravel(model.predict(features)).astype("float64"), index=rows.index, name="prediction"
        )
    probabilities = model.predict_proba(features)
    if config.kind == "binary":
        return pd.Series(probabilities[:, 1], index=rows.index, name="score")
    return pd.DataFrame(probabilities, index=rows.index, columns=model.classes_)


def threshold_of(model: Any) -> float:
    """The score from which on a model's `predict` decides for the positive class."""
    last = model.steps[-1][1] if isinstance(model, Pipeline) else model
    chosen = getattr(last, "best_threshold_", getattr(last, "threshold", THRESHOLD))
    return float(chosen) if isinstance(chosen, float) else THRESHOLD


def decisions(config: ModelConfig, scores: Scores, threshold: float) -> "pd.Series[Any]":
    """What the model says the target is: 1 from the threshold on, the likeliest class, or the predicted number."""
    if isinstance(scores, pd.DataFrame):
        return scores.idxmax(axis="columns")
    return (scores >= threshold).astype("int64") if config.kind == "binary" else scores


def as_table(scores: Scores) -> pd.DataFrame:
    """The scores as columns with names: `score`, `prediction`, or `score_CLASS` for each class."""
    return scores.add_prefix("score_") if isinstance(scores, pd.DataFrame) else scores.to_frame()
