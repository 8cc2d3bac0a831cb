"""A scikit-learn pipeline from the `train` part of a YAML, fitted.

Not here: how good it is (evaluation.py), how it is kept (tasks/tracking).
"""

import importlib
from typing import Any

import pandas as pd
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from configs.schema import ModelConfig, Train
from tasks.errors import ConfigError


def fit(config: ModelConfig, rows: pd.DataFrame) -> Pipeline:
    """The estimator, fitted on the features of `rows` (n rows x features) and their target."""
    pipeline = build(config.train)
    try:
        return pipeline.fit(rows[list(config.data.features)], rows[config.data.target].astype("int64"))
    except ValueError as error:  # a parameter out of its range, nulls that this estimator does not take
        raise ConfigError(f"train.estimator: {config.train.estimator} cannot be fitted: {str(error).splitlines()[0]}") from error


def build(train: Train) -> Pipeline:
    """The pipeline, not fitted: the estimator by its import string, behind a scaler where asked for."""
    module, _, name = train.estimator.rpartition(".")
    try:
        estimator = getattr(importlib.import_module(module), name)(**train.params)
        usable = is_classifier(estimator) and hasattr(estimator, "predict_proba")
    except (ImportError, AttributeError, TypeError) as error:
        raise ConfigError(f"train.estimator: {train.estimator}({_arguments(train.params)}) cannot be made: {error}") from error
    if not usable:
        raise ConfigError(
            f"train.estimator: {train.estimator} is no classifier with predict_proba; choose one that gives probabilities"
        )
    if "random_state" in estimator.get_params() and "random_state" not in train.params:
        estimator.set_params(random_state=train.seed)
    return Pipeline([("scale", StandardScaler()), ("model", estimator)] if train.scale else [("model", estimator)])


def _arguments(params: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in params.items())
