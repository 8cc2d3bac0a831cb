"""Reports that people open: whole in one file, escaped, without private values, for each kind of model."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from configs.model import ModelConfig
from configs.reading import read_file
from tasks.data.hooks import Hooks
from tasks.data.splits import split
from tasks.model import report
from tasks.model.evaluation import evaluate
from tasks.model.plots import EvaluatedModel
from tasks.model.training import fit
from tasks.pages import rendering
from tasks.records import CheckOutcome, ValidationReport

NO_HOOKS = Hooks("", "", {})
SPITE = "<script>alert(1)</script>"
FAILED = CheckOutcome(
    "amount-known", "critical", False, f"40 of 1,000 fail {SPITE}", 1000, 40, ("17", SPITE)
)
WARNED = CheckOutcome("amount-level", "warning", False, "the mean is 7", 1000)
PASSED = CheckOutcome("key-unique", "critical", True, "0 of 1,000 rows", 1000, 0)
KINDS = {
    "binary": ("sklearn.linear_model.LogisticRegression", "average_precision", {"confusion_matrix", "precision_recall", "roc", "calibration", "scores", "feature_importance", "partial_dependence"}),
    "multiclass": ("sklearn.tree.DecisionTreeClassifier", "accuracy", {"confusion_matrix", "feature_importance"}),
    "regression": ("sklearn.linear_model.LinearRegression", "root_mean_squared_error", {"actual_vs_predicted", "residual_vs_predicted", "feature_importance", "partial_dependence"}),
}  # fmt: skip


def rows(kind: str) -> pd.DataFrame:
    random = np.random.default_rng(1)
    amount = random.normal(size=600)
    noisy = amount + random.normal(size=600)
    target = {
        "binary": noisy > 0.5,
        "multiclass": np.digitize(noisy, [-0.5, 0.5]),
        "regression": noisy,
    }[kind]
    return pd.DataFrame({
        "id": np.arange(600), "amount": amount, "secret": random.integers(7_770_000, 7_779_999, 600),
        "word": random.choice([SPITE, "plain"], 600), "target": target if kind == "regression" else target.astype("int64"),
    })  # fmt: skip


def config_of(tiny: Path, kind: str) -> ModelConfig:
    estimator, metric, _ = KINDS[kind]
    dtypes = {
        "id": "int64",
        "amount": "float64",
        "secret": "int64",
        "word": "string",
        "target": "float64" if kind == "regression" else "int64",
    }
    return ModelConfig.model_validate(read_file(tiny).model_dump() | {
        "kind": kind,
        "data": {
            "source": {"kind": "files", "path": "/x.parquet"}, "columns": dtypes, "key": "id", "target": "target",
            "private": ["secret"], "features": ["amount", "secret", "word"],
        },
        "split": {"by": "hash", "holdout": 0.4},
        "train": {"estimator": estimator, "scale": True, "preprocess": [{"columns": ["word"], "encode": "one_hot"}]},
        "metrics": [metric],
    })  # fmt: skip


def written(tiny: Path, kind: str, folder: Path) -> str:
    config, frame = config_of(tiny, kind), rows(kind)
    parts = split(config, NO_HOOKS, frame, None)
    model = fit(config, parts.train)
    evaluation = evaluate(model, config, NO_HOOKS, parts)
    checked = [ValidationReport("raw", 1000, (PASSED, FAILED, WARNED))]
    report.write(
        EvaluatedModel(model, config, parts.holdout, evaluation.scores, evaluation.threshold),
        parts,
        evaluation,
        None,
        checked,
        {"command": "ratchet train tiny"},
        {"load": (1.25, 300)},
        folder,
    )
    return (folder / "report.html").read_text()


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_report_has_the_pictures_of_its_kind_and_needs_nothing_else(
    tiny: Path, tmp_path: Path, kind: str
) -> None:
    page = written(tiny, kind, tmp_path)
    assert {picture.stem for picture in tmp_path.glob("*.png")} == KINDS[kind][2]
    addresses = re.findall(r"(?:src|href)=.([^\"']{0,22})", page)
    assert len(addresses) == len(KINDS[kind][2])
    assert set(addresses) == {"data:image/png;base64,"}
    assert "script" not in re.sub(r"&lt;/?script&gt;", "", page)


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_report_says_what_was_measured_and_beside_which_baseline(
    tiny: Path, tmp_path: Path, kind: str
) -> None:
    page = written(tiny, kind, tmp_path)
    assert f"baseline:<br>{'mean' if kind == 'regression' else 'most frequent'}" in page
    assert "ratchet train tiny" in page
    assert re.search(r"number\">-?[\d.]+ \.\. -?[\d.]+</td>", page)
    assert ("Each class" in page) == (kind == "multiclass")
    assert "Where it errs" in page


@pytest.mark.parametrize("kind", KINDS)
def test_no_private_value_stands_in_a_training_report(
    tiny: Path, tmp_path: Path, kind: str
) -> None:
    page = re.sub(r"data:image/png;base64,[^\"]*", "", written(tiny, kind, tmp_path))
    assert "777" not in page
    assert "<td>secret</td>" not in page


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
