"""A model made with other libraries is scored in an environment of its own requirements, and
answers as it did there."""

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import mlflow.sklearn
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from configs.errors import ModelRejected
from configs.reading import read_file
from tasks.data import digests
from tasks.model.scores import threshold_of
from tasks.records import RegisteredVersion
from tasks.tracking import isolated_scoring, standalone_scorer, versions

OLDER = "scikit-learn==1.8.0"
# the files lie in a folder; a client without an address would make a database where tests run
UNASKED = MlflowClient("http://127.0.0.1:9")
FEATURES = ["amount", "double"]
TRAIN = """
import json, sys, mlflow.sklearn, pandas
from sklearn.linear_model import LogisticRegression
rows = pandas.read_parquet(sys.argv[1])
estimator = LogisticRegression().fit(rows[["amount", "double"]], rows["bad"])
mlflow.sklearn.save_model(
    estimator, sys.argv[2], serialization_format="skops", pip_requirements=sys.argv[3:]
)
print(json.dumps(list(estimator.predict_proba(rows[["amount", "double"]])[:, 1])))
"""


@pytest.fixture
def rows() -> pd.DataFrame:
    random = np.random.default_rng(0)
    amount = random.normal(size=200)
    bad = amount + random.normal(size=200) > 0
    return pd.DataFrame(
        {
            "amount": amount,
            "double": 2 * amount,
            "bad": bad.astype("int64"),
            "size": pd.array(np.where(amount > 1, "large", np.where(bad, "small", "tiny")), "str"),
        }
    )


def test_a_champion_of_an_older_scikit_learn_is_scored_in_its_own_environment(
    rows: pd.DataFrame, tiny: Path, tmp_path: Path
) -> None:
    uv = shutil.which("uv")
    if uv is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
            "there is no uv on the path to make an environment with"
        )
    others = ("mlflow", "skops", "numpy", "scipy", "pandas")
    pins = [OLDER, *(f"{name}=={version(name)}" for name in others)]
    with_pins = [argument for pin in pins for argument in ("--with", pin)]
    isolated = ["--quiet", "--no-project", "--isolated", "--python", sys.executable]
    model_folder = tmp_path / "model"
    rows_file = tmp_path / "rows.parquet"
    rows.to_parquet(rows_file)
    python = [uv, "run", *isolated, *with_pins, "python"]
    trained = subprocess.run(
        [*python, "-c", TRAIN, rows_file, model_folder, *pins],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    sha256 = digests.of_folder(model_folder)
    older = RegisteredVersion("tiny", 1, "r", "1", "a", "f", sha256, str(model_folder), {}, {})
    scored = versions.score(UNASKED, older, read_file(tiny), rows)
    assert scored.note == f"needs {OLDER} and was scored in an environment of its own"
    np.testing.assert_array_equal(scored.scores, json.loads(trained.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    ("estimator", "target"),
    [
        (make_pipeline(StandardScaler(), LogisticRegression()), "bad"),
        (make_pipeline(StandardScaler(), LogisticRegression()), "size"),
        (make_pipeline(StandardScaler(), LinearRegression()), "amount"),
    ],
    ids=["binary", "classes with names", "regression"],
)
def test_the_scorer_writes_what_the_model_answers(
    rows: pd.DataFrame, tmp_path: Path, estimator: BaseEstimator, target: str
) -> None:
    estimator.fit(rows[FEATURES], rows[target])
    save(estimator, rows, tmp_path)
    standalone_scorer.main(*(str(tmp_path / name) for name in ("model", "rows", "answers.npz")))

    answers = np.load(tmp_path / "answers.npz")
    classes = list(getattr(estimator, "classes_", []))
    predict = estimator.predict_proba if classes else estimator.predict
    np.testing.assert_array_equal(answers["scores"], predict(rows[FEATURES]))
    assert list(answers["classes"]) == classes


@pytest.mark.parametrize("threshold", [None, 0.2])
def test_the_scorer_reads_a_threshold_as_the_gate_does(
    rows: pd.DataFrame, threshold: float | None
) -> None:
    estimator = LogisticRegression().fit(rows[FEATURES], rows["bad"])
    if threshold is not None:
        frozen = FrozenEstimator(estimator)
        estimator = FixedThresholdClassifier(frozen, threshold=threshold)
        estimator.fit(rows[FEATURES], rows["bad"])
    for one in (estimator, make_pipeline(estimator)):
        assert standalone_scorer.threshold_of(one) == threshold_of(one) == (threshold or 0.5)


def test_the_scorer_imports_nothing_that_its_environment_lacks() -> None:
    """That environment holds what the model's requirements name, and no ratchet."""
    source = isolated_scoring.SCORER.read_text()
    imports = [
        line.split()[1] for line in source.splitlines() if line.startswith(("import", "from"))
    ]
    assert imports == ["sys", "typing", "mlflow.sklearn", "numpy", "pandas"]


def test_where_no_environment_can_be_made_it_is_said_why(
    rows: pd.DataFrame, tmp_path: Path
) -> None:
    python = f"{sys.version_info.major}.{sys.version_info.minor}.0"
    (tmp_path / "python_env.yaml").write_text(f"python: {python}\n")
    (tmp_path / "requirements.txt").write_text("scikit-learn==0.0.1\n")
    installed = {"scikit-learn": "1.9.1", "numpy": "2.4.0"}
    differing = isolated_scoring.differing_libraries(tmp_path, installed)
    assert differing == ["scikit-learn==0.0.1"]
    with pytest.raises(
        ModelRejected,
        match="an environment made of the model's own requirements cannot score either",
    ):
        isolated_scoring.score_in_own_environment(tmp_path, rows)


def save(estimator: BaseEstimator, rows: pd.DataFrame, folder: Path) -> None:
    """The files that the scorer reads: a model and rows."""
    mlflow.sklearn.save_model(
        estimator,
        str(folder / "model"),
        serialization_format="skops",
        pip_requirements=["scikit-learn"],
    )
    rows[FEATURES].to_parquet(folder / "rows")
