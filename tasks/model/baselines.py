"""Baselines: what any model should beat, since they ignore its features.

Not here: how they are measured beside a model (evaluation.py), rules that compare with them
(tasks/comparison).
"""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier, DummyRegressor

from configs.baseline import SeasonalBaseline
from configs.model import ModelConfig
from tasks.data.labels import labels
from tasks.model.metrics import measure_built_in
from tasks.model.scores import THRESHOLD, Scores, as_table, score

# columns of the table that holds the scores of several: no key or score is called that
KEY, NAME = "ratchet_key", "ratchet_baseline"


def score_baselines(
    config: ModelConfig, train: pd.DataFrame, rows: pd.DataFrame
) -> dict[str, Scores]:
    """The scores of `rows` by each baseline that has seen the training rows, by its name.

    The shares of the classes, or the mean; for dated numbers also the newest value and, if the YAML
    names a season, the value one season before.
    """
    features, target = train[list(config.data.features)], labels(config, train)
    estimators: dict[str, BaseEstimator] = {}
    if config.kind != "regression":
        estimators["most_frequent"] = DummyClassifier(strategy="prior")
    else:
        estimators["mean"] = DummyRegressor(strategy="mean")
    if config.kind == "regression" and config.data.time:
        newest = float(target.iloc[train[config.data.time].argmax()])
        estimators["last_value"] = DummyRegressor(strategy="constant", constant=np.array([newest]))
    scores = {
        name: score(estimator.fit(features, target), config, rows)
        for name, estimator in estimators.items()
    }
    if config.baseline and config.data.time:
        season = config.baseline
        scores[season.name] = _values_before(config, season, config.data.time, train, rows)
    return scores


def as_one_table(keys: "pd.Series[Any]", scores: dict[str, Scores]) -> pd.DataFrame:
    """The scores of every baseline under one another, each row with its key and the name."""
    tables = {name: as_table(one).join(keys.rename(KEY)) for name, one in scores.items()}
    return pd.concat(tables, names=[NAME, None]).reset_index(NAME)


def from_one_table(table: pd.DataFrame, keys: "pd.Series[Any]", like: Scores) -> dict[str, Scores]:
    """The scores of every baseline for the rows with these keys, in the form of a model's."""
    scores: dict[str, Scores] = {}
    for name, rows in table.groupby(NAME):
        of_keys = rows.set_index(KEY).loc[keys].set_index(keys.index)
        if isinstance(like, pd.DataFrame):
            names = {f"score_{known}": known for known in like.columns}
            scores[str(name)] = of_keys[list(names)].rename(columns=names)
        else:
            scores[str(name)] = of_keys[like.name]
    return scores


def strongest(config: ModelConfig, rows: pd.DataFrame, scores: dict[str, Scores]) -> str:
    """The name of the baseline that is best in the main metric on these rows."""
    metric = config.main_metric
    if metric is None:
        return next(iter(scores))
    sign = config.metric(metric).sign
    values = {
        name: sign * measure_built_in(metric, config, rows, scores_of_one, THRESHOLD)
        for name, scores_of_one in scores.items()
    }
    # without a class, no metric is defined, and no rule is judged
    return max(values, key=lambda name: np.nan_to_num(values[name], nan=-np.inf))


def _values_before(
    config: ModelConfig,
    season: SeasonalBaseline,
    time: str,
    train: pd.DataFrame,
    rows: pd.DataFrame,
) -> "pd.Series[float]":
    """The mean of the training rows in the same hour, the fewest whole seasons before each row.

    The mean of all training rows, where that hour has none.
    """
    last = train[time].max().floor("h")
    lag = pd.Timedelta(days=season.lag_days)
    hours = rows[time].dt.floor("h")
    seasons = np.maximum(np.ceil((hours - last) / lag), 1)
    per = list(season.per)
    means = (
        train.assign(**{time: train[time].dt.floor("h")})
        .groupby([time, *per], dropna=False)[config.data.target]
        .mean()
        .rename("prediction")
        .reset_index()
    )
    earlier = rows[per].assign(**{time: hours - seasons * lag})
    found = earlier.merge(means, on=[time, *per], how="left", validate="many_to_one")
    predicted = (
        found["prediction"].astype("float64").fillna(float(train[config.data.target].mean()))
    )
    return predicted.set_axis(rows.index)
