"""Intervals hold what they say they hold, and resamples are what they are drawn as."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from configs.comparison import Comparison
from configs.metrics import Metric
from configs.model import ModelConfig
from configs.reading import read_file
from tasks.model import resampling
from tasks.model.intervals import REPLICATES, intervals


@pytest.fixture
def config(tiny: Path) -> ModelConfig:
    return read_file(tiny)


def measuring(config: ModelConfig, name: str) -> ModelConfig:
    return config.model_copy(update={"metrics": (Metric(name=name),)})


def test_resamples_draw_as_many_rows_as_there_are_and_the_same_for_the_same_seed() -> None:
    one, again, other = (
        np.vstack(list(resampling.resamples(np.arange(50), 20, seed))) for seed in (1, 1, 2)
    )
    assert one.shape == (20, 50)
    assert set(one.sum(axis=1)) == {50}
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_the_rows_of_a_unit_are_drawn_together() -> None:
    units = np.arange(60) % 20
    (weights,) = resampling.resamples(units, 10, seed=1)
    for unit in range(20):
        assert (weights[:, units == unit] == weights[:, [unit]]).all()
    assert set(weights.sum(axis=1)) == {60}


def test_the_interval_of_a_share_is_the_binomials(config: ModelConfig) -> None:
    """400 rows, 300 right: 0.75 +- 1.96 * sqrt(0.75 * 0.25 / 400)."""
    rows, scores = pd.DataFrame({"bad": [1] * 300 + [0] * 100}), pd.Series(np.ones(400))
    config = measuring(config, "accuracy")
    interval = intervals(config, rows, scores, 0.5)["accuracy"]
    assert interval == pytest.approx((0.75 - 0.0424, 0.75 + 0.0424), abs=0.006)


def test_the_interval_is_that_of_a_plain_loop_over_scikit_learn(config: ModelConfig) -> None:
    random = np.random.default_rng(0)
    target = random.random(800) < 0.1
    rows = pd.DataFrame({"bad": target.astype("int64")})
    scores = pd.Series(np.round(random.random(800) + target * 0.3, 2) / 2)
    config = measuring(config, "average_precision")
    interval = intervals(config, rows, scores, 0.5)["average_precision"]
    drawn = resampling.resamples(np.arange(800), REPLICATES, config.train.seed)
    plain = [
        average_precision_score(rows["bad"], scores, sample_weight=weights)
        for weights in np.vstack(list(drawn))
    ]
    assert interval == pytest.approx(np.quantile(plain, [0.025, 0.975]), rel=1e-9)


def test_a_resample_without_positives_is_left_out(config: ModelConfig) -> None:
    rows, scores = pd.DataFrame({"bad": [1] + [0] * 9}), pd.Series(np.arange(10) / 10)
    interval = intervals(measuring(config, "roc_auc"), rows, scores, 0.5)["roc_auc"]
    assert 0 <= interval.low <= interval.high <= 1


def test_the_interval_follows_the_units_of_the_verdict(config: ModelConfig) -> None:
    """100 customers whose 9 rows are all decided alike: as wide as of 100 rows, not of 900."""
    customer = np.repeat(np.arange(100), 9)
    rows = pd.DataFrame({"bad": (customer < 75).astype("int64"), "customer": customer})
    scores, config = pd.Series(np.ones(900)), measuring(config, "accuracy")
    by_customer = Comparison(units=("customer",))
    interval = intervals(config.model_copy(update={"comparison": by_customer}), rows, scores, 0.5)[
        "accuracy"
    ]
    of_rows = intervals(config, rows, scores, 0.5)["accuracy"]
    assert interval.high - interval.low == pytest.approx(0.17, abs=0.02)
    assert of_rows.high - of_rows.low == pytest.approx(0.17 / 3, abs=0.01)
