"""A scikit-learn pipeline from the `train` part of a YAML, fitted.

Not here: how good it is (evaluation.py), how it is kept (tasks/tracking).
"""

import importlib
from operator import attrgetter
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
    TargetEncoder,
)
from sklearn.utils import get_tags

from configs.errors import ConfigError
from configs.model import ModelConfig
from configs.train import Preprocess, Train, is_estimator
from tasks.data.labels import labels

DATE_PARTS = ("year", "month", "day", "day_of_week", "hour")
SPARSE_DENSITY = 0.3  # encoded columns with fewer known values than this share stay sparse, for estimators that take that


def fit(config: ModelConfig, rows: pd.DataFrame) -> Pipeline:
    """The pipeline, fitted on the features of `rows` (n rows x features), their target and their weights."""
    pipeline = build(config)
    weights = fit_weights(config, rows)
    try:
        pipeline.fit(rows[list(config.data.features)], labels(config, rows), **weights)
    except (
        ValueError,
        TypeError,
    ) as error:  # a parameter out of its range, nulls or weights that this estimator does not take
        raise ConfigError(
            f"train.estimator: {config.train.estimator} cannot be fitted: {str(error).splitlines()[0]}"
        ) from error
    if config.kind != "regression" and not hasattr(
        pipeline, "predict_proba"
    ):  # known of some, as of stacking, only once they are fitted
        raise _no_probabilities(config)
    return pipeline


def fit_weights(config: ModelConfig, rows: pd.DataFrame) -> dict[str, Any]:
    """The weights of the rows as an argument of the pipeline's `fit`; nothing where the YAML names none."""
    weight = config.train.sample_weight
    if weight and (weight not in rows or not (rows[weight] >= 0).all()):
        raise ConfigError(
            f"train.sample_weight: {weight} must be a column, after prepare, of numbers from 0 up without nulls"
        )
    return {"model__sample_weight": rows[weight].to_numpy()} if weight else {}


def build(config: ModelConfig) -> Pipeline:
    """The pipeline, not fitted: groups of columns encoded, numbers standardised where asked for, then the estimator."""
    estimator = _made(config.train.estimator, config.train.params, "train.estimator")
    _refuse_unfit(estimator, config)
    seeds = {
        name: config.train.seed
        for name, value in estimator.get_params().items()
        if _is_seed(name) and value is None
    }
    estimator.set_params(**seeds)
    columns = _columns(config.train, sparse=get_tags(estimator).input_tags.sparse)
    return Pipeline(
        [("columns", columns), ("model", estimator)] if columns else [("model", estimator)]
    )


def _made(dotted: str, params: dict[str, Any], where: str) -> Any:
    """What the import string makes of its arguments, in which other estimators may stand."""
    module, _, name = dotted.rpartition(".")
    arguments = {
        key: _filled_in(value, f"{where.removesuffix('.estimator')}.params.{key}")
        for key, value in params.items()
    }
    try:
        return getattr(importlib.import_module(module), name)(**arguments)
    except (ImportError, AttributeError, TypeError) as error:
        shown = ", ".join(f"{key}={value!r}" for key, value in params.items())
        raise ConfigError(f"{where}: {dotted}({shown}) cannot be made: {error}") from error


def _filled_in(value: Any, where: str) -> Any:
    if is_estimator(value):
        return _made(value["estimator"], value.get("params", {}), where)
    if isinstance(value, list):
        return [_filled_in(item, where) for item in value]
    return (
        {key: _filled_in(item, where) for key, item in value.items()}
        if isinstance(value, dict)
        else value
    )


def _is_seed(name: str) -> bool:
    return name.rpartition("__")[2] in ("random_state", "random_seed")


def _refuse_unfit(estimator: Any, config: ModelConfig) -> None:
    """An estimator fits its kind of model: a regressor, or a classifier that gives probabilities."""
    dotted = config.train.estimator
    if not isinstance(estimator, BaseEstimator) and not hasattr(estimator, "get_params"):
        raise ConfigError(
            f"train.estimator: {dotted} has not scikit-learn's interface (fit, predict, get_params)"
        )
    if config.kind == "regression" and not is_regressor(estimator):
        raise ConfigError(
            f"train.estimator: {dotted} is no regressor, and {config.name} is a regression model"
        )
    if config.kind != "regression" and not is_classifier(estimator):
        raise ConfigError(
            f"train.estimator: {dotted} is no classifier, and {config.name} is a {config.kind} model"
        )
    if config.kind != "regression" and not hasattr(type(estimator), "predict_proba"):
        raise _no_probabilities(config)


def _no_probabilities(config: ModelConfig) -> ConfigError:
    return ConfigError(
        f"train.estimator: {config.train.estimator} has no predict_proba, and a {config.kind} model is judged on probabilities; "
        "wrap it: sklearn.calibration.CalibratedClassifierCV, with it as params.estimator"
    )


def _columns(train: Train, *, sparse: bool) -> ColumnTransformer | StandardScaler | None:
    if not train.preprocess:
        return StandardScaler() if train.scale else None
    steps = [
        step
        for number, group in enumerate(train.preprocess)
        for step in _steps(number, group, train)
    ]
    rest = StandardScaler() if train.scale else "passthrough"
    return ColumnTransformer(
        steps,
        remainder=rest,
        sparse_threshold=SPARSE_DENSITY if sparse else 0.0,
        verbose_feature_names_out=False,
    )


def _steps(number: int, group: Preprocess, train: Train) -> list[tuple[str, Any, Any]]:
    """The transformers of one group, each with a name and its columns."""
    name = f"{number}_{group.encode or 'impute'}"
    match group.encode:
        case "counts":
            return [(f"{name}_{column}", CountVectorizer(), column) for column in group.columns]
        case "date_parts":
            return [
                (f"{column}_{part}", _date_part(part, scale=train.scale), column)
                for column in group.columns
                for part in DATE_PARTS
            ]
    parts: list[tuple[str, Any]] = (
        [("impute", SimpleImputer(strategy=group.impute))] if group.impute else []
    )
    match group.encode:
        case "one_hot":
            parts.append(("encode", OneHotEncoder(handle_unknown="ignore")))
        case "ordinal":  # -1 for a null, -2 for a category that training did not see
            parts.append(
                (
                    "encode",
                    OrdinalEncoder(
                        handle_unknown="use_encoded_value",
                        unknown_value=-2,
                        encoded_missing_value=-1,
                    ),
                )
            )
        case "target":
            parts.append(("encode", TargetEncoder(random_state=train.seed)))
        case None if train.scale:
            parts.append(("scale", StandardScaler()))
    return [(name, Pipeline(parts), list(group.columns))]


def _date_part(part: str, *, scale: bool) -> Pipeline:
    """One number of a column of times; of library functions alone, so that a saved model needs nothing of ratchet."""
    column = FunctionTransformer(np.reshape, kw_args={"shape": (-1, 1)})
    steps = [("part", FunctionTransformer(attrgetter(f"dt.{part}"))), ("column", column)]
    return Pipeline([*steps, ("scale", StandardScaler())] if scale else steps)
