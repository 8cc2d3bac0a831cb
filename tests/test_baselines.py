"""Baselines: what they answer, how they are kept, and rules that compare with them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow import MlflowClient

from configs.errors import ConfigError, Refused
from configs.reading import read_file
from tasks.comparison.bounds import Levels
from tasks.comparison.comparison import compare
from tasks.comparison.contest import Baseline
from tasks.model.baselines import (
    as_one_table,
    best_threshold,
    from_one_table,
    score_baselines,
    strongest,
)
from tasks.model.scores import Scores
from tasks.tracking.versions import read_baselines
from tasks.verdict import gate
from tests.contests import config_of, contest_of, version_of

LEVELS = Levels(0.05, 0.05)
STORES = ("north", "south", None)
RULE = {"metric": "mean_absolute_error", "better_than": "baseline"}
DATA = {
    "source": {"kind": "files", "path": "/x.parquet"},
    "columns": {"at": "datetime", "store": "string", "y": "float64", "x": "float64"},
    "key": "id",
    "time": "at",
    "target": "y",
    "features": ["x"],
}


def sales(start: str, days: int, base: float) -> pd.DataFrame:
    """A row a day of each store: `base`, the number of the day, and 1000 for each store before."""
    rows = [
        {"at": day + pd.Timedelta(hours=9), "store": store, "y": base + number + 1000 * place}
        for number, day in enumerate(pd.date_range(start, periods=days))
        for place, store in enumerate(STORES)
    ]
    return pd.DataFrame(rows).assign(x=0.0, id=range(len(rows)))


def seasonal(**season: Any) -> Any:
    return config_of(RULE, kind="regression", data=DATA, baseline={"lag_days": 7, **season})


def test_a_seasonal_baseline_repeats_the_newest_known_value_of_the_same_phase() -> None:
    train = sales("2026-01-01", 14, base=0)
    holdout = sales("2026-01-18", 14, base=500).sample(frac=1, random_state=1)
    scores = score_baselines(seasonal(per=["store"]), train, holdout)
    assert list(scores) == ["mean", "median", "last_value", "lag_7_days"]
    expected = [
        (newest_known(day) - pd.Timestamp("2026-01-01")).days + 1000 * STORES.index(store)
        for day, store in zip(
            holdout["at"].dt.normalize(), holdout["store"].replace({np.nan: None}), strict=True
        )
    ]
    assert scores["lag_7_days"].index.equals(holdout.index)
    assert scores["lag_7_days"].tolist() == expected


def newest_known(day: pd.Timestamp) -> pd.Timestamp:
    """The last day of training that lies whole weeks before."""
    while day > pd.Timestamp("2026-01-14"):
        day -= pd.Timedelta(days=7)
    return day


def test_a_seasonal_baseline_is_the_mean_of_the_hour_over_what_has_no_season_of_its_own() -> None:
    train, holdout = sales("2026-01-01", 14, base=0), sales("2026-01-15", 1, base=0)
    scores = score_baselines(seasonal(), train, holdout)
    assert scores["lag_7_days"].tolist() == [7 + 1000.0] * 3


def test_a_missing_day_is_answered_with_the_season_before_it() -> None:
    """One missing row of the largest store would otherwise make the baseline easy to beat."""
    train, holdout = sales("2026-01-01", 21, base=0), sales("2026-01-22", 1, base=0)
    missing = (train["at"].dt.day == 15) & (train["store"] == "south")
    scores = score_baselines(seasonal(per=["store"]), train[~missing], holdout)
    assert scores["lag_7_days"].tolist() == [14, 1007, 2014]


def test_an_hour_that_training_never_saw_is_answered_with_the_mean_of_the_store() -> None:
    train = sales("2026-01-01", 14, base=0)
    holdout = sales("2026-01-15", 1, base=0).assign(store=["north", "south", "west"])
    holdout["at"] += pd.Timedelta(hours=1)
    scores = score_baselines(seasonal(per=["store"]), train, holdout)
    assert scores["lag_7_days"].tolist() == [6.5, 1006.5, train["y"].mean()]


@pytest.mark.parametrize(
    ("metric", "threshold"),
    [("cost", {"minimise": "cost", "false_negative": 20}), ("f1", {"recall": 0.8})],
)
def test_a_constant_does_not_beat_the_baseline_by_its_threshold_alone(
    metric: str, threshold: dict[str, Any]
) -> None:
    """A model that alerts on everything against a baseline that may do so too."""
    rows = pd.DataFrame({"y": np.arange(400) % 5 == 0, "id": range(400)}).astype({"y": "int64"})
    config = config_of({"metric": metric, "better_than": "baseline"}, threshold=threshold)
    constant = pd.Series(0.2, index=rows.index)
    contest = contest_of(config, rows, candidate=constant)
    contestant = replace(contest.contestants["candidate"], threshold=0.1)
    thresholds = {metric: best_threshold(config, metric, rows, constant)}
    contest = replace(
        contest,
        contestants={"candidate": contestant},
        baseline=Baseline("most_frequent", constant, thresholds),
    )
    ((_, (estimate,)),) = compare(contest, LEVELS).estimates
    assert estimate.candidate == estimate.other
    assert gate.decide(compare(contest, LEVELS).estimates).outcome == "INCONCLUSIVE"


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("metrics:", "baseline: {lag_days: 7}\nmetrics:", "tiny is binary; remove it"),
        ("metrics:", "baseline: {lag_days: 0}\nmetrics:", "greater than or equal to 1"),
        ("metrics:", "baseline: {lag_days: 7, per: [stor]}\nmetrics:", "'stor' is not declared"),
        ("metrics:", "baseline: {lag_days: 7, per: [bad]}\nmetrics:", "'bad' is the target"),
        ("metrics:", "baseline: {lag_days: 7, per: [at]}\nmetrics:", "'at' is the time"),
        (
            "metrics:",
            "baseline: {lag_days: 99}\nmetrics:",
            "looks 99 days back, but",
        ),
        (
            "metrics:",
            "baseline: {lag_days: 7, per: [customer, customer]}\nmetrics:",
            "'customer' is named twice",
        ),
    ],
)
def test_a_season_that_cannot_be_is_one_sentence(
    tiny: Path, before: str, after: str, sentence: str
) -> None:
    tiny.write_text(tiny.read_text().replace(before, after))
    with pytest.raises(ConfigError) as error:
        read_file(tiny)
    assert sentence in str(error.value)


finite = st.floats(-1e6, 1e6)


@given(
    st.lists(st.tuples(finite, finite), min_size=1, max_size=20),
    st.sampled_from(["id", "score", "prediction", "baseline", "name"]),
    st.sampled_from(["binary", "regression", "multiclass"]),
    st.randoms(),
)
def test_kept_scores_are_read_back_for_any_rows_in_any_order(
    values: list[tuple[float, float]], key: str, kind: str, random: Any
) -> None:
    keys = pd.Series([f"k{number}" for number in range(len(values))], name=key)
    frame = pd.DataFrame(values, columns=[0, 1], index=keys.index)
    names = {"binary": "score", "regression": "prediction"}
    scores: dict[str, Scores] = {"one": frame, "two": -frame}
    if kind in names:
        scores = {name: table[0].rename(names[kind]) for name, table in scores.items()}
    wanted = random.sample(range(len(values)), random.randint(1, len(values)))
    table = as_one_table(keys, scores)
    read = from_one_table(table, keys.iloc[wanted], scores["one"])
    for name, scores_of_one in scores.items():
        assert np.array_equal(np.asarray(read[name]), np.asarray(scores_of_one.iloc[wanted]))
        assert list(read[name].index) == wanted


def test_a_version_without_stored_baselines_is_to_be_trained_again() -> None:
    version = version_of(seasonal(), 1, "candidate")
    with pytest.raises(Refused, match="before the scores of baselines were stored; train it again"):
        read_baselines(MlflowClient("http://127.0.0.1:9"), version)


def test_the_strongest_baseline_is_the_best_in_the_main_metric() -> None:
    rows = pd.DataFrame({"y": [1.0, 2.0, 3.0, 4.0]})
    config = seasonal()
    near, far = rows["y"] + 0.5, rows["y"] + 2
    assert strongest(config, rows, {"far": far, "near": near}) == "near"


@pytest.mark.parametrize(
    ("noise_of_candidate", "noise_of_champion", "outcomes"),
    [(0.5, 3.0, ("PASS", "FAIL")), (3.0, 0.5, ("FAIL", "PASS")), (1.0, 1.0, ("INCONCLUSIVE",) * 2)],
)
def test_a_rule_about_the_baseline_holds_for_candidate_and_champion_with_bounds(
    noise_of_candidate: float, noise_of_champion: float, outcomes: tuple[str, str]
) -> None:
    random = np.random.default_rng(3)
    rows = pd.DataFrame({"y": random.normal(size=300)})
    config = config_of(RULE, kind="regression", columns={"y": "float64"})
    noise = random.normal(size=(3, 300))
    target = rows["y"].to_numpy()
    contest = contest_of(
        config,
        rows,
        candidate=target + noise_of_candidate * noise[0],
        champion=target + noise_of_champion * noise[1],
    )
    answers = pd.Series(target + noise[2], index=rows.index)
    compared = compare(replace(contest, baseline=Baseline("mean", answers)), LEVELS)
    verdicts = (gate.decide(compared.estimates), gate.decide(compared.of_champion))
    assert tuple(verdict.outcome for verdict in verdicts) == outcomes
    ((_, (estimate,)),) = compared.estimates
    assert estimate.other == pytest.approx(np.abs(noise[2]).mean())


@pytest.mark.parametrize("year", [1600, 2026, 9000])
@pytest.mark.parametrize("unit", ["s", "us"])
def test_a_season_may_be_of_any_year_and_any_unit_of_time(year: int, unit: str) -> None:
    train, holdout = sales("2026-01-01", 14, base=0), sales("2026-01-15", 1, base=0)
    for rows in (train, holdout):
        days = (rows["at"] - pd.Timestamp("2026-01-01")).to_numpy().astype(f"timedelta64[{unit}]")
        rows["at"] = np.datetime64(f"{year}-01-01", unit) + days
    scores = score_baselines(seasonal(per=["store"]), train, holdout)
    assert scores["lag_7_days"].tolist() == [7, 1007, 2007]
