"""A pipeline is what the YAML says, and its metrics are scikit-learn's own.

What cannot be trained or measured is refused.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from configs.built_in_metrics import metrics_of, needs
from configs.errors import ConfigError, HookFailed
from configs.metrics import Metric
from configs.model import ModelConfig
from configs.param_keys import key_of_text, text_of_key
from configs.reading import read_file
from configs.threshold import Threshold
from tasks.data.hooks import Hooks, load_hooks, parse_hooks
from tasks.data.splits import Partitions
from tasks.model.evaluation import evaluate
from tasks.model.metrics import measure
from tasks.model.scores import score
from tasks.model.training import build, fit
from tests.conftest import TINY_HOOKS

LOGISTIC, FOREST = (
    "sklearn.linear_model.LogisticRegression",
    "sklearn.ensemble.RandomForestClassifier",
)


PRICES = Threshold(minimise="cost", false_positive=1, false_negative=7)


@pytest.fixture
def config(tiny: Path) -> ModelConfig:
    priced = [name for name in metrics_of("binary") if needs(name) != "alert_budget"]
    return read_file(tiny).model_copy(
        update={
            "metrics": tuple(Metric(name=name) for name in (*priced, "share_found")),
            "threshold": PRICES,
        }
    )


@pytest.fixture
def hooks(config: ModelConfig, tiny: Path) -> Hooks:
    return load_hooks(config, tiny.with_suffix(".py"))


@pytest.fixture
def partitions() -> Partitions:
    random = np.random.default_rng(5)
    amount = random.normal(size=120)
    bad = (amount + random.normal(size=120) > 0.8).astype("int64")
    rows = pd.DataFrame(
        {
            "id": np.arange(120),
            "customer": 1,
            "amount": amount,
            "double": random.normal(size=120),
            "bad": bad,
        }
    )
    return Partitions(rows.iloc[:80], rows.iloc[80:], 0)


def training(config: ModelConfig, **changes: Any) -> ModelConfig:
    return config.model_copy(update={"train": config.train.model_copy(update=changes)})


def measuring(config: ModelConfig, tiny: Path, body: str) -> Hooks:
    """The tiny model's hooks, its own metric with another body."""
    return parse_hooks(
        config,
        f"{TINY_HOOKS}\n\ndef share_found(rows, scores):\n    {body}\n",
        tiny.with_suffix(".py"),
    )


def test_the_seed_is_set_where_the_estimator_takes_one(config: ModelConfig) -> None:
    assert build(training(config, estimator=FOREST, seed=7, params={}))["model"].random_state == 7
    assert (
        build(training(config, estimator=FOREST, seed=7, params={"random_state": 3}))[
            "model"
        ].random_state
        == 3
    )
    naive = build(training(config, estimator="sklearn.naive_bayes.GaussianNB", seed=7, params={}))
    assert "random_state" not in naive["model"].get_params()


def test_the_estimator_gets_its_params_and_a_scaler_where_asked_for(config: ModelConfig) -> None:
    plain, scaled = (
        build(training(config, params={"C": 0.25}, scale=scale)) for scale in (False, True)
    )
    assert [type(step) for _, step in plain.steps] == [LogisticRegression]
    assert [type(step) for _, step in scaled.steps] == [StandardScaler, LogisticRegression]
    assert plain["model"].C == 0.25


@pytest.mark.parametrize(
    ("estimator", "params", "sentence"),
    [
        ("sklearn.linear_model.LogisticRegresion", {}, "cannot be created"),
        ("no_such_package.Classifier", {}, "No module named 'no_such_package'"),
        ("sklearn.linear_model.nowhere.Classifier", {}, "cannot be created"),
        (
            LOGISTIC,
            {"c": 1.0},
            r"LogisticRegression\(c=1.0\) cannot be created: .* unexpected keyword argument 'c'",
        ),
        (
            "sklearn.linear_model.LinearRegression",
            {},
            "is not a classifier, and tiny is a binary model",
        ),
        (
            "sklearn.ensemble.RandomForestRegressor",
            {},
            "is not a classifier, and tiny is a binary model",
        ),
        (
            "sklearn.linear_model.RidgeClassifier",
            {},
            "has no predict_proba, .* wrap it: sklearn.calibration.CalibratedClassifierCV",
        ),
        (
            "sklearn.preprocessing.StandardScaler",
            {},
            "is not a classifier, and tiny is a binary model",
        ),
        ("sklearn.metrics.roc_auc_score", {}, "cannot be created"),
        ("collections.OrderedDict", {}, "does not implement scikit-learn's interface"),
    ],
)
def test_what_cannot_give_probabilities_is_refused(
    config: ModelConfig, estimator: str, params: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=rf"train\.estimator: .*{sentence}"):
        build(training(config, estimator=estimator, params=params))


def test_a_classifier_cannot_predict_a_number(config: ModelConfig) -> None:
    with pytest.raises(
        ConfigError, match=r"LogisticRegression is not a regressor, and tiny is a regression model"
    ):
        build(config.model_copy(update={"kind": "regression"}))


def test_the_model_learns_from_its_features_alone_and_in_their_order(
    config: ModelConfig, partitions: Partitions
) -> None:
    assert list(fit(config, partitions.train)[0].feature_names_in_) == ["amount", "double"]


def test_what_the_estimator_does_not_take_is_refused_in_its_own_words(
    config: ModelConfig, partitions: Partitions
) -> None:
    with pytest.raises(
        ConfigError,
        match=r"LogisticRegression cannot be fitted: .*The 'C' parameter .* Got -1\.0 instead",
    ):
        fit(training(config, params={"C": -1.0}), partitions.train)
    train = partitions.train
    with_a_null = train.assign(double=train["double"].mask(train["id"] == 3))
    with pytest.raises(
        ConfigError, match=r"LogisticRegression cannot be fitted: ValueError: Input X contains NaN"
    ):
        fit(config, with_a_null)


def test_the_fitted_model_is_scikit_learns_own(config: ModelConfig, partitions: Partitions) -> None:
    config = training(config, scale=False, params={"C": 0.5})
    features = ["amount", "double"]
    own = LogisticRegression(C=0.5, random_state=0)
    own.fit(partitions.train[features], partitions.train["bad"])
    np.testing.assert_array_equal(
        score(fit(config, partitions.train), config, partitions.holdout),
        own.predict_proba(partitions.holdout[features])[:, 1],
    )


def test_the_same_seed_gives_the_same_scores_and_another_seed_others(
    config: ModelConfig, partitions: Partitions
) -> None:
    one, again, other = (
        score(fit(forest, partitions.train), forest, partitions.holdout)
        for forest in (
            training(config, estimator=FOREST, params={"n_estimators": 5}, seed=seed)
            for seed in (1, 1, 2)
        )
    )
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_a_target_of_booleans_is_learnt_as_zero_and_one(
    config: ModelConfig, partitions: Partitions
) -> None:
    as_bool = partitions.train.assign(bad=partitions.train["bad"] == 1)
    np.testing.assert_array_equal(
        score(fit(config, as_bool), config, partitions.holdout),
        score(fit(config, partitions.train), config, partitions.holdout),
    )


def test_metrics_are_scikit_learns_own(
    config: ModelConfig, hooks: Hooks, partitions: Partitions
) -> None:
    evaluation = evaluate(fit(config, partitions.train), config, hooks, partitions)
    truth, scores = partitions.holdout["bad"], evaluation.scores
    decided = scores >= 0.5
    assert 0 < decided.sum() < len(scores)
    gap_of_bin = np.bincount(np.minimum(scores * 10, 9).astype(int), truth - scores)
    expected = {
        "precision": metrics.precision_score(truth, decided),
        "recall": metrics.recall_score(truth, decided),
        "f1": metrics.f1_score(truth, decided),
        "roc_auc": metrics.roc_auc_score(truth, scores),
        "average_precision": metrics.average_precision_score(truth, scores),
        "log_loss": metrics.log_loss(truth, scores),
        "brier_score": metrics.brier_score_loss(truth, scores),
        "expected_calibration_error": np.abs(gap_of_bin).sum() / len(truth),
        "accuracy": metrics.accuracy_score(truth, decided),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, decided),
        "matthews_corrcoef": metrics.matthews_corrcoef(truth, decided),
        "cost": float(np.mean(np.where(truth == 1, 7 * ~decided, decided))),
        "share_found": metrics.recall_score(truth, decided),
    }
    assert evaluation.holdout == pytest.approx(expected, rel=1e-12)
    assert list(evaluation.train) == list(config.metric_names)
    assert evaluation.train != evaluation.holdout


def test_a_model_that_finds_nothing_has_a_precision_of_zero(
    config: ModelConfig, hooks: Hooks, partitions: Partitions
) -> None:
    low_scores = pd.Series(0.1, partitions.holdout.index)
    measured = measure(config, hooks, partitions.holdout, low_scores, 0.5)
    assert (measured["precision"], measured["recall"], measured["f1"]) == (0.0, 0.0, 0.0)


def test_a_run_that_read_no_holdout_has_no_holdout_metrics(
    config: ModelConfig, hooks: Hooks, partitions: Partitions
) -> None:
    without_holdout = Partitions(partitions.train, partitions.holdout.iloc[:0], 0)
    evaluation = evaluate(fit(config, partitions.train), config, hooks, without_holdout)
    assert (evaluation.holdout, len(evaluation.scores)) == ({}, 0)
    assert str(evaluation).startswith("accuracy ")


@pytest.mark.parametrize(
    "answer",
    [
        "float('nan')",
        "float('inf')",
        "-float('inf')",
        "None",
        "'0.5'",
        "scores",
        "[0.5]",
        "rows['bad'].sum() / rows['bad'].mul(0).sum()",
    ],
)
# numpy's, for the answer that divides by zero
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
def test_a_metric_that_returns_no_finite_number_is_refused(
    config: ModelConfig, tiny: Path, partitions: Partitions, answer: str
) -> None:
    with pytest.raises(
        HookFailed, match=r"metric share_found returned (a )?\S+; it must be a finite number$"
    ):
        measure(
            config,
            measuring(config, tiny, f"return {answer}"),
            partitions.holdout,
            pd.Series(0.5, partitions.holdout.index),
            0.5,
        )


def test_a_metric_that_raises_is_named_with_its_own_line(
    config: ModelConfig, tiny: Path, partitions: Partitions
) -> None:
    hooks = measuring(config, tiny, "return rows['no such column'].sum()")
    line = len(hooks.source.splitlines())
    with pytest.raises(
        HookFailed,
        match=rf"hook share_found raised KeyError \(its text .* customer\) at tiny\.py:{line}",
    ):
        measure(config, hooks, partitions.holdout, pd.Series(0.5, partitions.holdout.index), 0.5)


def test_a_metric_cannot_change_the_rows_and_scores_it_looks_at(
    config: ModelConfig, tiny: Path, partitions: Partitions
) -> None:
    hooks = measuring(
        config, tiny, "rows['bad'] = 0; rows.loc[:, 'amount'] = 0.0; scores[:] = 0.0; return 1.0"
    )
    before = partitions.holdout.copy()
    scores = pd.Series(np.linspace(0, 1, len(before)), before.index)
    measure(config, hooks, partitions.holdout, scores, 0.5)
    pd.testing.assert_frame_equal(partitions.holdout, before)
    np.testing.assert_array_equal(scores, np.linspace(0, 1, len(partitions.holdout)))


@pytest.mark.parametrize(
    "key", [0, 1.5, True, None, "0", "a: b", "true", "{", "x", "null", "é", ""]
)
def test_a_key_within_parameters_reaches_the_estimator_as_the_yaml_has_it(key: Any) -> None:
    assert key_of_text(text_of_key(key)) == key
    assert type(key_of_text(text_of_key(key))) is type(key)


def test_the_weights_of_classes_reach_the_estimator_through_a_stored_configuration(
    tiny: Path,
) -> None:
    tiny.write_text(tiny.read_text().replace("{C: 1.0}", "{class_weight: {0: 1, 1: 50}}"))
    stored = ModelConfig.model_validate_json(read_file(tiny).model_dump_json())
    assert build(stored).named_steps["model"].class_weight == {0: 1, 1: 50}
