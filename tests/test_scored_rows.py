"""What is written of each row, by each kind of model, and which rows are refused in a sentence."""

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow.models import Model
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import FixedThresholdClassifier

from configs.errors import DataRejected
from configs.model import ModelConfig
from configs.reading import read_file
from tasks.data.hooks import load_hooks
from tasks.data.new_rows import Chunk
from tasks.model.training import fit
from tasks.scoring.rows import OpenVersion, Stamp, open_version
from tasks.tracking import model_files
from tests.conftest import TINY_YAML

STAMP = Stamp(3, "run", datetime(2026, 1, 2))
HASHED = "split: {by: hash, holdout: 0.3}"
KINDS = {
    "binary": ("", "sklearn.linear_model.LogisticRegression, params: {C: 1.0}", "bad: int64"),
    "multiclass": ("kind: multiclass\n", "sklearn.linear_model.LogisticRegression", "bad: string"),
    "regression": ("kind: regression\n", "sklearn.linear_model.LinearRegression", "bad: float64"),
}
METRICS = {"binary": "average_precision", "multiclass": "accuracy", "regression": "r2"}


@pytest.fixture
def rows() -> pd.DataFrame:
    random = np.random.default_rng(0)
    amount = random.gamma(2, 50, 200).round(2)
    return pd.DataFrame(
        {
            "id": np.arange(200),
            "at": pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(200), "min"),
            "customer": np.arange(200) % 7,
            "amount": amount,
            "bad": (amount + random.normal(0, 20, 200) > 120).astype("int64"),
        }
    )


def configured(tiny: Path, kind: str = "binary", *replacements: tuple[str, str]) -> ModelConfig:
    line, estimator, target = KINDS[kind]
    at_least = f"gate:\n  - {{metric: {METRICS[kind]}, at_least: 0.5}}\npromotion: {{ask: manual}}"
    head, _, _ = TINY_YAML.partition("metrics:")
    text = line + head + f"metrics: [{METRICS[kind]}]\n{at_least}\n"
    changes = (("sklearn.linear_model.LogisticRegression, params: {C: 1.0}", estimator),)
    for old, new in (*changes, ("bad: int64", target), *replacements):
        assert old in text
        text = text.replace(old, new)
    tiny.write_text(text)
    return read_file(tiny)


def opened(
    config: ModelConfig, rows: pd.DataFrame, tiny: Path, estimator: Any = None
) -> OpenVersion:
    """A version trained on these rows, as it is loaded from its files."""
    hooks = load_hooks(config, tiny.with_suffix(".py"))
    prepared = rows.assign(double=rows["amount"] * 2)
    fitted = estimator or fit(config, prepared)
    files = tiny.with_name("files")
    model_files.save(model_files.sign(fitted, config, prepared), config, Model(), files)
    return open_version("tiny 3", config, hooks, files)


def new(rows: pd.DataFrame, history: int = 50) -> Chunk:
    """The chunk in which all but the first rows are new, and no label of theirs is known."""
    is_new = np.arange(len(rows)) >= history
    return Chunk(rows.assign(bad=rows["bad"].mask(is_new)), is_new)


def test_of_two_classes_the_score_and_the_decision_at_the_stored_threshold_are_written(
    tiny: Path, rows: pd.DataFrame
) -> None:
    config = configured(tiny)
    prepared = rows.assign(double=rows["amount"] * 2)
    pipeline: BaseEstimator = fit(config, prepared)
    at_a_tenth = FixedThresholdClassifier(FrozenEstimator(pipeline), threshold=0.1)
    features = prepared[["amount", "double"]]
    at_a_tenth.fit(features, rows["bad"])
    table, told = opened(config, rows, tiny, at_a_tenth).score(new(rows), STAMP)

    assert table is not None
    scores = table.to_pandas()
    expected = pipeline.predict_proba(features[50:])[:, 1]
    np.testing.assert_array_equal(scores["score"], expected)
    np.testing.assert_array_equal(scores["decision"], at_a_tenth.predict(features[50:]))
    assert list(scores["id"]) == list(rows["id"][50:])
    assert list(scores["at"]) == list(rows["at"][50:])
    stamps = scores[["model_version", "run", "scored_at"]].drop_duplicates().values.tolist()
    assert stamps == [[3, "run", pd.Timestamp("2026-01-02")]]
    assert told.rows == 150
    assert told.decisions == {"0": int((expected < 0.1).sum()), "1": int((expected >= 0.1).sum())}
    assert told.percentiles[100] == expected.max()


def test_of_several_classes_there_is_a_column_for_each_and_the_likeliest_is_the_decision(
    tiny: Path, rows: pd.DataFrame
) -> None:
    labels = np.where(rows["amount"] > 150, "much", np.where(rows["amount"] > 60, "some", "little"))
    named = rows.assign(bad=pd.Series(labels, dtype="str"))
    table, told = opened(configured(tiny, "multiclass"), named, tiny).score(new(named), STAMP)
    assert table is not None
    scores = table.to_pandas()
    classes = ["score_little", "score_much", "score_some"]
    assert list(scores.columns[2:6]) == [*classes, "decision"]
    likeliest = scores[classes].idxmax(axis="columns").str.removeprefix("score_")
    assert list(scores["decision"]) == list(likeliest)
    assert sum(told.decisions.values()) == told.rows == 150


def test_of_a_number_the_prediction_is_written_and_no_decision(
    tiny: Path, rows: pd.DataFrame
) -> None:
    numbers = rows.assign(bad=rows["amount"] * 3.0)
    table, told = opened(configured(tiny, "regression"), numbers, tiny).score(new(numbers), STAMP)
    assert table is not None
    assert "decision" not in table.column_names
    np.testing.assert_allclose(table["prediction"], numbers["bad"][50:])
    assert told.decisions == {}


def test_rows_that_the_model_was_never_trained_on_are_left_out_and_counted(
    tiny: Path, rows: pd.DataFrame
) -> None:
    dropped = ("  private:", "  drop_nulls: [amount, bad]\n  private:")
    version = opened(configured(tiny, "binary", dropped), rows, tiny)
    rows.loc[[10, 60, 70], "amount"] = np.nan
    table, told = version.score(new(rows), STAMP)
    assert table is not None
    assert (len(table), told.rows, told.left_out) == (148, 148, 2)


def test_where_no_row_is_new_nothing_is_written(tiny: Path, rows: pd.DataFrame) -> None:
    table, told = opened(configured(tiny), rows, tiny).score(new(rows, history=200), STAMP)
    assert table is None
    assert told.rows == 0


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (
            {"amount": np.nan},
            "tiny 3 cannot score these rows: of 150, 2 have no amount, 2 have no double; give them",
        ),
        ({"id": None}, "2 of 150 new rows have no id"),
        ({"at": pd.NaT}, "2 of 150 new rows have no at"),
        ({"id": 7}, "2 of 150 new rows share their id with another"),
    ],
    ids=str,
)
def test_rows_that_cannot_be_scored_are_refused_in_a_sentence(
    tiny: Path, rows: pd.DataFrame, damage: dict[str, Any], sentence: str
) -> None:
    version = opened(configured(tiny), rows, tiny)
    for column, value in damage.items():
        rows[column] = rows[column].astype("Int64" if column == "id" else rows[column].dtype)
        rows.loc[[60, 70], column] = value
    with pytest.raises(DataRejected, match=sentence):
        version.score(new(rows), STAMP)


@pytest.mark.parametrize(
    ("prepared", "sentence"),
    [
        ('raw.assign(double="much")', r"Incompatible input types for column double"),
        ("raw", r"hook add_double made no column double"),
    ],
)
def test_features_that_are_not_those_of_the_model_signature_are_refused(
    tiny: Path, rows: pd.DataFrame, prepared: str, sentence: str
) -> None:
    hooks = tiny.with_suffix(".py")
    config = configured(tiny)
    good = opened(config, rows, tiny)
    hooks.write_text(hooks.read_text().replace('raw.assign(double=raw["amount"] * 2)', prepared))
    files = tiny.with_name("files")
    version = open_version("tiny 3", config, load_hooks(config, hooks), files)
    assert good.score(new(rows), STAMP)[1].rows == 150
    with pytest.raises(DataRejected, match=sentence) as refused:
        version.score(new(rows), STAMP)
    assert "much" not in str(refused.value), "it may be private"
