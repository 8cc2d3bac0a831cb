"""A scikit-learn pipeline from the `train` section of a YAML, fitted.

Not here: how good it is (evaluation.py), how it is stored (tasks/tracking).
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
from sklearn.model_selection import KFold
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
from configs.param_keys import key_of_text
from configs.train import Preprocess, Train, is_estimator
from tasks.data.labels import labels
from tasks.foreign_errors import told_as

DATE_PARTS = ("year", "month", "day", "day_of_week", "hour")
# encoded columns with a smaller share of non-zeros stay sparse, for estimators that accept that
SPARSE_DENSITY = 0.3
# ordinal codes of what is not among the training rows' categories
NULL_CODE, UNSEEN_CODE = -1, -2

# in which a category's mean is that of the other rows, lest the model read the target in it
TARGET_FOLDS = 5

# name, transformer and its columns, as ColumnTransformer takes them
Transformer = tuple[str, Any, Any]


def fit(config: ModelConfig, rows: pd.DataFrame) -> Pipeline:
    """The pipeline, fitted on the features (n, features), the target and the weights of `rows`.

    ConfigError if the estimator refuses its parameters or the rows.
    """
    pipeline = build(config)
    weights = fit_weights(config, rows)
    # a parameter out of its range, or nulls or weights that this estimator does not accept
    with told_as(
        f"train.estimator: {config.train.estimator} cannot be fitted", config.data.private_inputs
    ):
        pipeline.fit(rows[list(config.data.features)], labels(config, rows), **weights)
    # some estimators, as stacking, only know once they are fitted
    if config.kind != "regression" and not hasattr(pipeline, "predict_proba"):
        raise _no_probabilities(config)
    return pipeline


def fit_weights(config: ModelConfig, rows: pd.DataFrame) -> dict[str, Any]:
    """The weights of the rows as an argument of the pipeline's `fit`; empty if there are none."""
    column = config.train.sample_weight
    if not column:
        return {}
    if column not in rows or not (rows[column] >= 0).all():
        raise ConfigError(
            f"train.sample_weight: {column} must be a column, after prepare, of numbers from 0 up "
            "without nulls"
        )
    return {"model__sample_weight": rows[column].to_numpy()}


def build(config: ModelConfig) -> Pipeline:
    """The unfitted pipeline: columns encoded and scaled as the YAML says, then the estimator."""
    estimator = _instantiate(config.train.estimator, config.train.params, "train.estimator")
    _require_suitable(estimator, config)
    _seed(estimator, config.train.seed)
    columns = _column_step(config.train, sparse=get_tags(estimator).input_tags.sparse)
    steps = [("columns", columns)] if columns else []
    return Pipeline([*steps, ("model", estimator)])


def _instantiate(dotted: str, params: dict[str, Any], where: str) -> Any:
    """The object that an import string and its arguments make; estimators may nest in them."""
    module, _, name = dotted.rpartition(".")
    section = where.removesuffix(".estimator")
    arguments = {
        key: _instantiate_nested(value, f"{section}.params.{key}") for key, value in params.items()
    }
    try:
        return getattr(importlib.import_module(module), name)(**arguments)
    except (ImportError, AttributeError, TypeError) as error:
        shown = ", ".join(f"{key}={value!r}" for key, value in params.items())
        raise ConfigError(f"{where}: {dotted}({shown}) cannot be created: {error}") from error


def _instantiate_nested(value: Any, where: str) -> Any:
    """The value with every estimator in it instantiated."""
    if is_estimator(value):
        return _instantiate(value["estimator"], value.get("params", {}), where)
    if isinstance(value, list):
        return [_instantiate_nested(item, where) for item in value]
    if isinstance(value, dict):
        return {key_of_text(key): _instantiate_nested(item, where) for key, item in value.items()}
    return value


def _seed(estimator: Any, seed: int) -> None:
    """Seed the estimator, and those within it, where the YAML gives no seed of its own."""
    unseeded = {}
    for name, value in estimator.get_params().items():
        is_seed = name.rpartition("__")[2] in ("random_state", "random_seed")
        if is_seed and value is None:
            unseeded[name] = seed
    estimator.set_params(**unseeded)


def _require_suitable(estimator: Any, config: ModelConfig) -> None:
    """Raise ConfigError unless it is a regressor, or a classifier that gives probabilities."""
    name = f"train.estimator: {config.train.estimator}"
    if not isinstance(estimator, BaseEstimator) and not hasattr(estimator, "get_params"):
        raise ConfigError(
            f"{name} does not implement scikit-learn's interface (fit, predict, get_params)"
        )
    mismatch = f"and {config.name} is a {config.kind} model"
    if config.kind == "regression":
        if not is_regressor(estimator):
            raise ConfigError(f"{name} is not a regressor, {mismatch}")
        return
    if not is_classifier(estimator):
        raise ConfigError(f"{name} is not a classifier, {mismatch}")
    if not hasattr(type(estimator), "predict_proba"):
        raise _no_probabilities(config)


def _no_probabilities(config: ModelConfig) -> ConfigError:
    return ConfigError(
        f"train.estimator: {config.train.estimator} has no predict_proba, and a {config.kind} "
        "model is judged on probabilities; wrap it: "
        "sklearn.calibration.CalibratedClassifierCV, with it as params.estimator"
    )


def _column_step(train: Train, *, sparse: bool) -> ColumnTransformer | StandardScaler | None:
    """The step before the estimator; None where columns are used as they are."""
    if not train.preprocess:
        return StandardScaler() if train.scale else None
    transformers: list[Transformer] = []
    for number, group in enumerate(train.preprocess):
        transformers += _transformers(number, group, train)
    return ColumnTransformer(
        transformers,
        remainder=StandardScaler() if train.scale else "passthrough",
        sparse_threshold=SPARSE_DENSITY if sparse else 0.0,
        verbose_feature_names_out=False,
    )


def _transformers(number: int, group: Preprocess, train: Train) -> list[Transformer]:
    """The transformers of one group of columns."""
    name = f"{number}_{group.encode or 'impute'}"
    if group.encode == "counts":
        return [(f"{name}_{column}", _word_counts(), [column]) for column in group.columns]
    if group.encode == "date_parts":
        return [
            (f"{column}_{part}", _date_part(part, scale=train.scale), column)
            for column in group.columns
            for part in DATE_PARTS
        ]
    return [(name, _column_pipeline(group, train), list(group.columns))]


def _column_pipeline(group: Preprocess, train: Train) -> Pipeline:
    """Fill missing values, then encode categories or scale numbers."""
    steps: list[tuple[str, Any]] = []
    if group.impute:
        steps.append(("impute", SimpleImputer(strategy=group.impute)))
    match group.encode:
        case "one_hot":
            steps.append(("encode", OneHotEncoder(handle_unknown="ignore")))
        case "ordinal":
            encoder = OrdinalEncoder(
                handle_unknown="use_encoded_value",
                unknown_value=UNSEEN_CODE,
                encoded_missing_value=NULL_CODE,
            )
            steps.append(("encode", encoder))
        case "target":
            folds = KFold(TARGET_FOLDS, shuffle=True, random_state=train.seed)
            steps.append(("encode", TargetEncoder(cv=folds)))
        case None if train.scale:
            steps.append(("scale", StandardScaler()))
    return Pipeline(steps)


def _word_counts() -> Pipeline:
    """The counts of the words of a column of texts; a null has none.

    Made of library functions alone, so that a saved model needs nothing of ratchet.
    """
    fill = SimpleImputer(strategy="constant", fill_value="")
    return Pipeline(
        [("fill", fill), ("as_texts", FunctionTransformer(np.ravel)), ("count", CountVectorizer())]
    )


def _date_part(part: str, *, scale: bool) -> Pipeline:
    """One number of a column of times.

    Made of library functions alone, so that a saved model needs nothing of ratchet.
    """
    as_column = FunctionTransformer(np.reshape, kw_args={"shape": (-1, 1)})
    steps = [("part", FunctionTransformer(attrgetter(f"dt.{part}"))), ("column", as_column)]
    return Pipeline([*steps, ("scale", StandardScaler())] if scale else steps)
