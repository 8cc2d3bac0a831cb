"""Baselines: what any model should beat, since they ignore its features.

Not here: how they are measured beside a model (evaluation.py), rules that compare with them
(tasks/comparison).
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier, DummyRegressor

from configs.baseline import SeasonalBaseline
from configs.errors import ConfigError
from configs.model import ModelConfig
from tasks.data.hooks import Hooks
from tasks.data.labels import labels
from tasks.model.metrics import measure, measure_built_in
from tasks.model.scores import THRESHOLD, Scores, as_table, score

# columns of the table that holds the scores of several: no key or score is called that
KEY, NAME = "ratchet_key", "ratchet_baseline"
# thresholds at which every row is decided for the positive class, and none
ALL_OR_NONE = (0.0, math.inf)


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
        estimators["median"] = DummyRegressor(strategy="median")
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


def measure_baseline(
    config: ModelConfig, hooks: Hooks, rows: pd.DataFrame, scores: Scores
) -> dict[str, float]:
    """Every metric of a baseline that the YAML names, each at the threshold that suits it best."""
    values: dict[str, float] = {}
    for name in config.metric_names:
        of_metric = config.model_copy(update={"metrics": (config.metric(name),)})
        threshold = best_threshold(config, name, rows, scores)
        values |= measure(of_metric, hooks, rows, scores, threshold)
    return values


def best_threshold(config: ModelConfig, metric: str, rows: pd.DataFrame, scores: Scores) -> float:
    """The threshold at which a baseline's decisions, all or none for one class, are best.

    A model's threshold is chosen, and it would beat a baseline that decides at 0.5 by that alone.
    """
    if config.kind != "binary" or metric in config.own_metrics:
        return THRESHOLD
    sign = config.metric(metric).sign
    values = [
        sign * measure_built_in(metric, config, rows, scores, threshold)
        for threshold in ALL_OR_NONE
    ]
    return ALL_OR_NONE[int(np.argmax(values))]


def strongest(config: ModelConfig, rows: pd.DataFrame, scores: dict[str, Scores]) -> str:
    """The name of the baseline that is best in the main metric on these rows."""
    metric = config.main_metric
    if metric is None:
        return next(iter(scores))
    sign = config.metric(metric).sign
    values = {
        name: sign
        * measure_built_in(
            metric, config, rows, scores_of_one, best_threshold(config, metric, rows, scores_of_one)
        )
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
    """The mean of the newest training rows in the same hour, whole seasons before each row.

    Where there are none, the mean of the training rows with the same values of `per`; where there
    are none of these, of all.
    """
    if absent := [column for column in season.per if column not in train]:
        raise ConfigError(
            f"baseline.per: {config.data.prepare} returned no column {', '.join(absent)}; keep it"
        )
    lag = 24 * season.lag_days
    both = pd.concat([train, rows], keys=[True, False])
    # as numbers, since years before 1678 and after 2262 are no nanoseconds
    hours = both[time].astype("datetime64[s]").astype("int64") // 3600
    table = pd.DataFrame(
        {
            "hour": hours,
            "phase": hours % lag,
            "group": _groups(both, season.per),
            "value": both[config.data.target],
        }
    )
    known, asked = table.loc[True], table.loc[False]
    # in the order of hours, as merge_asof needs them
    means = known.groupby(["hour", "phase", "group"])["value"].mean().reset_index()
    a_season_before = asked.drop(columns="value").assign(hour=asked["hour"] - lag)
    ordered = a_season_before.sort_values("hour")
    newest = pd.merge_asof(ordered, means, on="hour", by=["phase", "group"])
    values = newest["value"].set_axis(ordered.index).reindex(rows.index)
    of_group = asked["group"].map(known.groupby("group")["value"].mean())
    predicted = values.fillna(of_group).fillna(known["value"].mean())
    return predicted.astype("float64").rename("prediction")


def _groups(rows: pd.DataFrame, per: Sequence[str]) -> "pd.Series[int]":
    """The number of each row's combination of values, a null being one of them."""
    if not per:
        return pd.Series(0, index=rows.index)
    return rows.groupby(list(per), dropna=False).ngroup()
