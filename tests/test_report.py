"""Reports that people open: whole in one file, escaped, without private values, of each kind."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.model import ModelConfig
from configs.reading import read_file
from tasks.data.hooks import Hooks
from tasks.data.splits import split
from tasks.model import report
from tasks.model.evaluation import evaluate
from tasks.model.trained_model import TrainedModel
from tasks.model.training import fit
from tasks.pages import rendering
from tasks.pages.numbers import readable
from tasks.records import CheckOutcome, ValidationReport

NO_HOOKS = Hooks("", "", {}, ())
SPITE = "<script>alert(1)</script>"
FAILED = CheckOutcome(
    "amount-known", "critical", False, f"40 of 1,000 fail {SPITE}", 1000, 40, ("17", SPITE)
)
WARNED = CheckOutcome("amount-level", "warning", False, "the mean is 7", 1000)
PASSED = CheckOutcome("key-unique", "critical", True, "0 of 1,000 rows", 1000, 0)


@dataclass(frozen=True)
class KindOfModel:
    """How a kind of model is trained here, and which pictures its report has."""

    estimator: str
    metric: str
    dtype: str
    pictures: frozenset[str]


BINARY_PICTURES = frozenset(
    {"confusion_matrix", "precision_recall", "roc", "calibration", "scores"}
)
REGRESSION_PICTURES = frozenset({"actual_vs_predicted", "residual_vs_predicted"})
FEATURE_PICTURES = frozenset({"feature_importance", "partial_dependence"})
KINDS = {
    "binary": KindOfModel(
        "sklearn.linear_model.LogisticRegression",
        "average_precision",
        "int64",
        BINARY_PICTURES | FEATURE_PICTURES,
    ),
    "multiclass": KindOfModel(
        "sklearn.tree.DecisionTreeClassifier",
        "accuracy",
        "int64",
        frozenset({"confusion_matrix", "feature_importance"}),
    ),
    "regression": KindOfModel(
        "sklearn.linear_model.LinearRegression",
        "root_mean_squared_error",
        "float64",
        REGRESSION_PICTURES | FEATURE_PICTURES,
    ),
}


def rows_of(kind: str) -> pd.DataFrame:
    random = np.random.default_rng(1)
    amount = random.normal(size=600)
    noisy = amount + random.normal(size=600)
    target = {
        "binary": noisy > 0.5,
        "multiclass": np.digitize(noisy, [-0.5, 0.5]),
        "regression": noisy,
    }[kind]
    columns = {
        "id": np.arange(600),
        "amount": amount,
        "secret": random.integers(7_770_000, 7_779_999, 600),
        "word": random.choice([SPITE, "plain"], 600),
        "target": target.astype(KINDS[kind].dtype),
    }
    return pd.DataFrame(columns)


def config_of(tiny: Path, kind: str, *metrics: str) -> ModelConfig:
    columns = {
        "id": "int64",
        "amount": "float64",
        "secret": "int64",
        "word": "string",
        "target": KINDS[kind].dtype,
    }
    data = {
        "source": {"kind": "files", "path": "/x.parquet"},
        "columns": columns,
        "key": "id",
        "target": "target",
        "private": ["secret"],
        "features": ["amount", "secret", "word"],
    }
    train = {
        "estimator": KINDS[kind].estimator,
        "scale": True,
        "preprocess": [{"columns": ["word"], "encode": "one_hot"}],
    }
    sections = {
        "kind": kind,
        "data": data,
        "split": {"by": "hash", "holdout": 0.4},
        "train": train,
        "metrics": metrics or [KINDS[kind].metric],
    }
    return ModelConfig.model_validate(read_file(tiny).model_dump() | sections)


def report_of(tiny: Path, kind: str, folder: Path, *metrics: str) -> str:
    config = config_of(tiny, kind, *metrics)
    partitions = split(config, NO_HOOKS, rows_of(kind), None)
    pipeline = fit(config, partitions.train)
    evaluation = evaluate(pipeline, config, NO_HOOKS, partitions)
    validation = (ValidationReport("raw", 1000, (PASSED, FAILED, WARNED)),)
    trained = TrainedModel(config, pipeline, partitions, evaluation, None, validation)
    report.write(trained, {"command": "ratchet train tiny"}, {"load": (1.25, 300)}, folder)
    return (folder / "report.html").read_text()


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_report_has_the_pictures_of_its_kind_and_needs_nothing_else(
    tiny: Path, tmp_path: Path, kind: str
) -> None:
    page = report_of(tiny, kind, tmp_path)
    assert {picture.stem for picture in tmp_path.glob("*.png")} == KINDS[kind].pictures
    addresses = re.findall(r"(?:src|href)=.([^\"']{0,22})", page)
    assert len(addresses) == len(KINDS[kind].pictures)
    assert set(addresses) == {"data:image/png;base64,"}
    assert "script" not in re.sub(r"&lt;/?script&gt;", "", page)


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_report_says_what_was_measured_and_beside_which_baseline(
    tiny: Path, tmp_path: Path, kind: str
) -> None:
    page = report_of(tiny, kind, tmp_path)
    assert f"baseline:<br>{'mean' if kind == 'regression' else 'most frequent'}" in page
    assert "ratchet train tiny" in page
    assert re.search(r"number\">-?[\d.]+ to -?[\d.]+</td>", page)
    assert ("<h2>Classes</h2>" in page) == (kind == "multiclass")
    assert f"{KINDS[kind].metric} by the most important features" in page
    assert ("(lower is better)" in page) == (kind == "regression")
    assert ("positives</th>" in page) == (kind == "binary")


def test_a_report_has_no_column_of_intervals_where_no_metric_has_one(
    tiny: Path, tmp_path: Path
) -> None:
    assert "interval" not in report_of(tiny, "regression", tmp_path, "max_error")
    assert "95% interval" in report_of(tiny, "regression", tmp_path, "max_error", "r2")


@pytest.mark.parametrize("kind", KINDS)
def test_no_private_value_stands_in_a_training_report(
    tiny: Path, tmp_path: Path, kind: str
) -> None:
    page = re.sub(r"data:image/png;base64,[^\"]*", "", report_of(tiny, kind, tmp_path))
    assert "777" not in page
    assert "<td>secret</td>" not in page


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "missing"),
        (0, "0"),
        (7, "7"),
        (0.038234, "0.03823"),
        (0.5, "0.5"),
        (0.00001234, "0.00001234"),
        (1.234e-9, "1.23e-09"),
        (-12.3456, "-12.35"),
        (999.4, "999.4"),
        (999.96, "1,000"),
        (265089.1, "265,089"),
        (-1234567.8, "-1,234,568"),
    ],
)
def test_a_number_is_written_as_people_read_it(value: float | None, text: str) -> None:
    assert readable(value) == text


@given(st.floats(-1e12, 1e12))
def test_a_number_on_a_page_is_the_number_itself_to_three_digits(value: float) -> None:
    assert float(readable(value).replace(",", "")) == pytest.approx(value, rel=5e-3)


def page_of(*outcomes: CheckOutcome) -> str:
    return rendering.render(
        "validation.html",
        model="tiny",
        data="all of it",
        report=ValidationReport("raw", 1000, outcomes),
    )


def test_the_page_of_the_checks_begins_with_what_failed_and_escapes_what_it_shows() -> None:
    page = page_of(PASSED, WARNED, FAILED)
    assert "<h1>tiny: the raw rows failed validation</h1>" in page
    assert page.index("amount-level") < page.index("key-unique")
    assert "4.00%" in page
    assert SPITE not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    ("outcomes", "sentence"),
    [
        ((PASSED, WARNED), "No critical check failed; 1 failed with severity warning or info."),
        ((PASSED,), "Every check passed."),
        ((FAILED,), "1 critical check failed: amount-known. Nothing is trained on these rows."),
    ],
)
def test_the_page_of_the_checks_says_in_its_first_sentence_how_it_ended(
    outcomes: Any, sentence: str
) -> None:
    assert sentence in page_of(*outcomes)
