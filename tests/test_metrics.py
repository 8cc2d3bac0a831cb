"""Each entry of the table of metrics is whole: its functions exist and agree on weighted rows."""

import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.built_in_metrics import METRICS, Kind, greater_is_better, metrics_of, sees_decisions
from configs.metrics import Metric
from configs.model import ModelConfig
from configs.reading import read_file
from configs.threshold import Threshold
from tasks.model import resampling
from tasks.model.metrics import measure_built_in

N = 30
KINDS: tuple[Kind, ...] = get_args(Kind)
PRICES = Threshold(minimise="cost", false_positive=1, false_negative=7)
THRESHOLDS = {"prices": PRICES, "alert_budget": Threshold(alerts_a_day=7), None: None}
ENTRIES = [(kind, name) for kind in KINDS for name in metrics_of(kind)]
WEIGHTED = [(kind, name) for kind, name in ENTRIES if METRICS[name].weighted]

CONFIGS: dict[tuple[str, str], ModelConfig] = {}


@pytest.fixture(autouse=True)
def configs(tiny: Path) -> None:
    """For each metric of each kind, the tiny model with what the metric needs."""
    config = read_file(tiny)
    for kind, name in ENTRIES:
        changes = {
            "kind": kind,
            "metrics": (Metric(name=name),),
            "threshold": THRESHOLDS[METRICS[name].needs],
        }
        CONFIGS[kind, name] = config.model_copy(update=changes)


def rows_and_scores(kind: str, seed: int) -> tuple[pd.DataFrame, Any]:
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


@pytest.mark.parametrize("name", METRICS)
def test_the_functions_of_each_metric_exist(name: str) -> None:
    metric = METRICS[name]
    assert callable(metric.value.resolve())
    assert metric.weighted is None or callable(metric.weighted.resolve())
    assert metric.kinds


@pytest.mark.parametrize(("kind", "name"), ENTRIES)
def test_the_right_answers_are_better_than_wrong_ones_on_the_side_that_the_table_says(
    kind: str, name: str
) -> None:
    config, (rows, _) = CONFIGS[kind, name], rows_and_scores(kind, 0)
    target = rows["bad"]
    if kind == "multiclass":
        right = pd.get_dummies(target).astype("float64") * 0.97 + 0.01
        wrong = right.sample(frac=1, random_state=0).reset_index(drop=True)
    else:
        right = target.astype("float64")
        wrong = right.sample(frac=1, random_state=0).reset_index(drop=True)
    perfect, worse = (
        measure_built_in(name, config, rows, scores, 0.5) for scores in (right, wrong)
    )
    assert (perfect > worse) == greater_is_better(name)


@pytest.mark.parametrize(("kind", "name"), [entry for entry in ENTRIES if entry[0] == "binary"])
def test_a_metric_changes_with_the_threshold_only_if_it_sees_decisions(
    kind: str, name: str
) -> None:
    config, (rows, scores) = CONFIGS[kind, name], rows_and_scores(kind, 3)
    values = {measure_built_in(name, config, rows, scores, at) for at in (0.1, 0.3, 0.5, 0.7)}
    assert (len(values) > 1) == sees_decisions(name)


@pytest.mark.parametrize(("kind", "name"), WEIGHTED)
@given(seed=st.integers(0, 2**32), weights=st.lists(st.integers(0, 3), min_size=N, max_size=N))
@settings(max_examples=25)
def test_a_weight_counts_as_that_many_rows(
    kind: str, name: str, seed: int, weights: list[int]
) -> None:
    rows, scores = rows_and_scores(kind, seed)
    repeated = np.repeat(np.arange(N), weights)
    if rows["bad"].iloc[repeated].nunique() < rows["bad"].nunique():
        return
    config = CONFIGS[kind, name]
    measure = resampling.weighted(name, config, rows, scores, 0.5)
    assert measure is not None
    rows_again = rows.iloc[repeated].reset_index(drop=True)
    scores_again = scores.iloc[repeated].reset_index(drop=True)
    of_repeated = measure_built_in(name, config, rows_again, scores_again, 0.5)
    of_rows = measure_built_in(name, config, rows, scores, 0.5)
    replicates = measure(np.array([weights, [1] * N], dtype="float64"))
    assert replicates == pytest.approx([of_repeated, of_rows], rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", ["precision", "recall", "f1"])
def test_without_positives_and_alerts_precision_recall_and_f1_are_zero_in_every_resample(
    name: str,
) -> None:
    rows, scores = pd.DataFrame({"bad": [0] * 5}), pd.Series([0.1] * 5)
    config = CONFIGS["binary", name]
    measure = resampling.weighted(name, config, rows, scores, 0.5)
    assert measure is not None
    assert measure_built_in(name, config, rows, scores, 0.5) == 0
    assert measure(np.ones((1, 5))) == [0]


def test_only_a_maximum_cannot_be_resampled() -> None:
    assert {name for name, metric in METRICS.items() if not metric.weighted} == {"max_error"}


def test_the_table_is_in_alphabetical_order() -> None:
    assert list(METRICS) == sorted(METRICS)


def test_reading_the_table_imports_no_library_that_computes() -> None:
    script = (
        "import sys, configs.metrics; "
        "sys.exit(bool({'sklearn', 'numpy', 'pandas', 'tasks'} & {*sys.modules}))"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[1])
