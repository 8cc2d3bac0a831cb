"""A metric of weighted rows is scikit-learn's own of rows repeated as often, and intervals hold what they say they hold."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from configs.judging import Metric, Threshold
from configs.metrics import AT_BUDGET, BUILT_IN, COST
from configs.model import ModelConfig
from configs.reading import read_file
from tasks.model import resampling
from tasks.model.metrics import measure_built_in

N = 30
CONFIGS: dict[str, ModelConfig] = {}


@pytest.fixture(autouse=True)
def configs(tiny: Path) -> None:
    config = read_file(tiny)
    CONFIGS.update(
        {kind: config.model_copy(update={"kind": kind, "threshold": PRICES}) for kind in BUILT_IN}
    )


def judged(kind: str, seed: int) -> tuple[pd.DataFrame, Any]:
    """Rows and scores with many ties; for several classes, classes of names."""
    random = np.random.default_rng(seed)
    if kind == "regression":
        target = random.normal(100, 5, N).round(1)
        return pd.DataFrame({"bad": target}), pd.Series(target + random.normal(size=N).round(1))
    if kind == "binary":
        rows = pd.DataFrame({"bad": random.integers(0, 2, N), "at": pd.Timestamp("2026-01-01")})
        return rows, pd.Series(random.integers(0, 8, N) / 7)
    names = ["amber", "blue", "coral"]
    shares = pd.DataFrame(random.dirichlet([1, 1, 1], N).round(2) + 0.01, columns=names)
    return pd.DataFrame({"bad": random.choice(names, N)}), shares.div(shares.sum(axis=1), axis=0)


def measuring(name: str) -> ModelConfig:
    return CONFIGS["binary"].model_copy(update={"metrics": (Metric(name=name),)})


PRICES = Threshold(minimise="cost", false_positive=1, false_negative=7)
MEASURES = [
    (kind, name)
    for kind in BUILT_IN
    for name in BUILT_IN[kind]
    if name in {*resampling.MAKERS[kind], COST, *AT_BUDGET}
]


@pytest.mark.parametrize(("kind", "name"), MEASURES)
@given(seed=st.integers(0, 2**32), weights=st.lists(st.integers(0, 3), min_size=N, max_size=N))
@settings(max_examples=25, deadline=None)
def test_a_weight_counts_as_that_many_rows(
    kind: str, name: str, seed: int, weights: list[int]
) -> None:
    rows, scores = judged(kind, seed)
    repeated = np.repeat(np.arange(N), weights)
    if rows["bad"].iloc[repeated].nunique() < rows["bad"].nunique():
        return
    config = (
        CONFIGS[kind].model_copy(update={"threshold": Threshold(alerts_a_day=7)})
        if name in AT_BUDGET
        else CONFIGS[kind]
    )
    measure = resampling.weighted(name, config, rows, scores, 0.5)
    assert measure is not None
    rows_again, scores_again = (
        rows.iloc[repeated].reset_index(drop=True),
        scores.iloc[repeated].reset_index(drop=True),
    )
    expected = measure_built_in(name, config, rows_again, scores_again, 0.5)
    many = np.array([weights, [1] * N], dtype="float64")
    assert measure(many) == pytest.approx(
        [expected, measure_built_in(name, config, rows, scores, 0.5)], rel=1e-9, abs=1e-9
    )


def test_only_a_maximum_has_no_interval() -> None:
    without = {name for kind in BUILT_IN for name in BUILT_IN[kind]} - {
        name for _, name in MEASURES
    }
    assert without == {"max_error"}


def test_resamples_draw_as_many_rows_as_there_are_and_the_same_for_the_same_seed() -> None:
    one, again, other = (
        np.vstack(list(resampling.resamples(np.arange(50), 20, seed))) for seed in (1, 1, 2)
    )
    assert one.shape == (20, 50)
    assert set(one.sum(axis=1)) == {50}
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_the_interval_of_a_share_is_the_binomials() -> None:
    """400 rows, 300 right: 0.75 +- 1.96 * sqrt(0.75 * 0.25 / 400)."""
    rows, scores = pd.DataFrame({"bad": [1] * 300 + [0] * 100}), pd.Series(np.ones(400))
    (low, high) = resampling.intervals(measuring("accuracy"), rows, scores, 0.5)["accuracy"]
    assert (low, high) == pytest.approx((0.75 - 0.0424, 0.75 + 0.0424), abs=0.006)


def test_the_interval_is_that_of_a_plain_loop_over_scikit_learn() -> None:
    random = np.random.default_rng(0)
    target = random.random(800) < 0.1
    rows, scores = (
        pd.DataFrame({"bad": target.astype("int64")}),
        pd.Series(np.round(random.random(800) + target * 0.3, 2) / 2),
    )
    found = resampling.intervals(measuring("average_precision"), rows, scores, 0.5)[
        "average_precision"
    ]
    drawn = np.vstack(
        list(
            resampling.resamples(
                np.arange(800), resampling.REPLICATES, CONFIGS["binary"].train.seed
            )
        )
    )
    plain = [
        average_precision_score(rows["bad"], scores, sample_weight=weights) for weights in drawn
    ]
    assert found == pytest.approx(np.quantile(plain, [0.025, 0.975]), rel=1e-9)


def test_a_resample_without_positives_is_left_out() -> None:
    rows, scores = pd.DataFrame({"bad": [1] + [0] * 9}), pd.Series(np.arange(10) / 10)
    low, high = resampling.intervals(measuring("roc_auc"), rows, scores, 0.5)["roc_auc"]
    assert 0 <= low <= high <= 1
