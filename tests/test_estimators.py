"""Estimators of all families, from a YAML to plain MLflow elsewhere, predict the same.

They are created from the YAML, saved under the allow-list, registered and loaded.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.models import Model
from sklearn.preprocessing import FunctionTransformer

from configs.errors import ConfigError, ModelRejected
from configs.model import ModelConfig
from configs.reading import read_file
from deployments.stack import Stack
from tasks.model.scores import as_table, score
from tasks.model.training import fit
from tasks.tracking import model_files, registry, runs
from tasks.tracking.requirements import pip_requirements

# of estimators that are given little time and odd columns
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:Variables are collinear"),
]

TREE = {"estimator": "sklearn.tree.DecisionTreeClassifier", "params": {"max_depth": 3}}
LOGISTIC = {"estimator": "sklearn.linear_model.LogisticRegression"}
CLASSIFIERS: list[tuple[str, dict[str, Any]]] = [
    ("sklearn.linear_model.LogisticRegression", {"class_weight": "balanced"}),
    ("sklearn.linear_model.SGDClassifier", {"loss": "log_loss"}),
    ("sklearn.discriminant_analysis.LinearDiscriminantAnalysis", {}),
    ("sklearn.discriminant_analysis.QuadraticDiscriminantAnalysis", {"reg_param": 0.1}),
    ("sklearn.naive_bayes.GaussianNB", {}),
    ("sklearn.neighbors.KNeighborsClassifier", {}),
    ("sklearn.gaussian_process.GaussianProcessClassifier", {}),
    (
        "sklearn.neural_network.MLPClassifier",
        {"hidden_layer_sizes": [5], "max_iter": 500, "tol": 0.01},
    ),
    ("sklearn.tree.DecisionTreeClassifier", {"max_depth": 3}),
    ("sklearn.ensemble.RandomForestClassifier", {"n_estimators": 5}),
    ("sklearn.ensemble.ExtraTreesClassifier", {"n_estimators": 5}),
    ("sklearn.ensemble.AdaBoostClassifier", {"n_estimators": 5, "estimator": TREE}),
    ("sklearn.ensemble.BaggingClassifier", {"n_estimators": 5, "estimator": TREE}),
    ("sklearn.ensemble.GradientBoostingClassifier", {"n_estimators": 5}),
    ("sklearn.ensemble.HistGradientBoostingClassifier", {"max_iter": 5}),
    (
        "sklearn.ensemble.StackingClassifier",
        {"estimators": [["tree", TREE], ["logistic", LOGISTIC]], "cv": 3},
    ),
    (
        "sklearn.ensemble.VotingClassifier",
        {"estimators": [["tree", TREE], ["logistic", LOGISTIC]], "voting": "soft"},
    ),
    (
        "sklearn.calibration.CalibratedClassifierCV",
        {"estimator": {"estimator": "sklearn.svm.LinearSVC"}, "cv": 3},
    ),
    ("sklearn.model_selection.TunedThresholdClassifierCV", {"estimator": LOGISTIC, "cv": 3}),
    (
        "sklearn.model_selection.GridSearchCV",
        {"estimator": LOGISTIC, "param_grid": {"C": [0.1, 1.0]}, "cv": 3},
    ),
    ("xgboost.XGBClassifier", {"n_estimators": 5}),
    ("lightgbm.LGBMClassifier", {"n_estimators": 5, "verbose": -1}),
    ("catboost.CatBoostClassifier", {"iterations": 5, "verbose": 0, "allow_writing_files": False}),
]
REGRESSORS: list[tuple[str, dict[str, Any]]] = [
    ("sklearn.linear_model.LinearRegression", {}),
    ("sklearn.linear_model.ElasticNet", {"alpha": 0.1}),
    ("sklearn.linear_model.HuberRegressor", {}),
    ("sklearn.linear_model.PoissonRegressor", {}),
    ("sklearn.svm.SVR", {}),
    ("sklearn.neighbors.KNeighborsRegressor", {}),
    ("sklearn.ensemble.RandomForestRegressor", {"n_estimators": 5}),
    ("sklearn.ensemble.HistGradientBoostingRegressor", {"max_iter": 5}),
    (
        "sklearn.compose.TransformedTargetRegressor",
        {"regressor": {"estimator": "sklearn.linear_model.Ridge"}},
    ),
    ("xgboost.XGBRegressor", {"n_estimators": 5}),
    ("lightgbm.LGBMRegressor", {"n_estimators": 5, "verbose": -1}),
    ("catboost.CatBoostRegressor", {"iterations": 5, "verbose": 0, "allow_writing_files": False}),
]
FAMILIES = [
    *(("binary", *classifier) for classifier in CLASSIFIERS),
    *(("regression", *regressor) for regressor in REGRESSORS),
]
COLUMNS = {"size": "float64", "colour": "string", "note": "string", "at": "datetime"}

LOAD = """
import json, sys, mlflow, pandas as pd
rows = pd.read_parquet(sys.argv[1])
answers = {}
for uri in sys.argv[2:]:
    answers[uri] = [float(x) for x in mlflow.pyfunc.load_model(uri).predict(rows)]
print(json.dumps(answers))
"""


@pytest.fixture
def rows() -> pd.DataFrame:
    random = np.random.default_rng(3)
    size = random.normal(size=240)
    columns = {
        "size": np.where(random.random(240) < 0.1, np.nan, size),
        "colour": pd.array(random.choice(["red", "white", None], 240), dtype="str"),
        "note": pd.array(random.choice(["dry", "dry and old", "sweet"], 240), dtype="str"),
        "at": pd.date_range("2026-01-01", periods=240, freq="7h").astype("datetime64[us]"),
        "bad": (size + random.normal(size=240) > 0).astype("int64"),
        "price": np.exp(size) + random.random(240),
    }
    return pd.DataFrame(columns)


@pytest.fixture
def making(tiny: Path) -> Callable[..., ModelConfig]:
    """Makes a configuration with an estimator, over the columns of `rows`."""
    config = read_file(tiny)

    def make(kind: str, estimator: str, params: dict[str, Any]) -> ModelConfig:
        if os.environ.get("CI") != "true":
            pytest.importorskip(
                estimator.partition(".")[0], reason="install it with: uv sync --extra boosting"
            )
        target = "bad" if kind == "binary" else "price"
        data = {
            "source": {"kind": "files", "path": "/all.parquet"},
            "columns": COLUMNS,
            "target": target,
            "features": list(COLUMNS),
        }
        preprocess = [
            {"columns": ["size"], "impute": "median"},
            {"columns": ["colour"], "encode": "one_hot"},
            {"columns": ["note"], "encode": "counts"},
            {"columns": ["at"], "encode": "date_parts"},
        ]
        train = {
            "estimator": estimator,
            "params": params,
            "scale": True,
            "preprocess": preprocess,
        }
        sections = {"kind": kind, "data": data, "train": train}
        return ModelConfig.model_validate(config.model_dump() | sections)

    return make


@pytest.mark.parametrize(
    ("kind", "estimator", "params"),
    FAMILIES,
    ids=[f"{kind} {name.rpartition('.')[2]}" for kind, name, _ in FAMILIES],
)
def test_an_estimator_is_saved_and_scores_the_same_when_loaded(
    making: Callable[..., ModelConfig],
    rows: pd.DataFrame,
    tmp_path: Path,
    kind: str,
    estimator: str,
    params: dict[str, Any],
) -> None:
    config = making(kind, estimator, params)
    pipeline = fit(config, rows)
    model_files.save(model_files.sign(pipeline, config, rows), config, Model(), tmp_path / "model")
    loaded = model_files.load(tmp_path / "model")
    pd.testing.assert_frame_equal(
        as_table(score(loaded, config, rows)), as_table(score(pipeline, config, rows))
    )


def test_all_of_them_predict_the_same_in_an_environment_of_their_own_requirements(
    servers: Stack, making: Callable[..., ModelConfig], rows: pd.DataFrame, tmp_path: Path
) -> None:
    """With plain MLflow in a new virtual environment, with nothing of this repository.

    All models share the environment: their requirements agree.
    """
    if (uv := shutil.which("uv")) is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
            "there is no uv on the path to make an environment with"
        )
    client = MlflowClient(servers.mlflow_url)
    expected, requirements = {}, set[str]()
    for number, (kind, estimator, params) in enumerate(FAMILIES):
        config = making(kind, estimator, params).model_copy(
            update={"name": f"of_families_{number}"}
        )
        pipeline = fit(config, rows)
        run = runs.open_run(client, "families", config.name, str(uuid4()), {})
        model_id, _ = model_files.log_model(
            client, run, model_files.sign(pipeline, config, rows), config
        )
        version = registry.register(client, run, config, model_id, {}, "")
        expected[f"models:/{config.name}/{version}"] = [
            float(answer) for answer in pipeline.predict(rows[list(COLUMNS)])
        ]
        requirements |= set(pip_requirements(config))
    rows[list(COLUMNS)].to_parquet(tmp_path / "rows.parquet")
    python = tmp_path / "env" / "bin" / "python"
    subprocess.run(
        [uv, "venv", "--quiet", "--python", sys.executable, tmp_path / "env"], check=True
    )
    subprocess.run(
        [uv, "pip", "install", "--quiet", "--python", python, *sorted(requirements)], check=True
    )
    child = subprocess.run(
        [python, "-c", LOAD, tmp_path / "rows.parquet", *expected],
        cwd=tmp_path,
        env={**os.environ, "MLFLOW_TRACKING_URI": servers.mlflow_url},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(child.stdout.splitlines()[-1]) == expected


def test_what_could_run_code_when_it_is_loaded_is_refused_by_its_name(
    making: Callable[..., ModelConfig], rows: pd.DataFrame, tmp_path: Path
) -> None:
    config = making("regression", "sklearn.linear_model.LinearRegression", {})
    signed = model_files.sign(fit(config, rows), config, rows)
    signed.estimator.steps.insert(0, ("mine", FunctionTransformer(len)))
    with pytest.raises(
        ModelRejected,
        match=r"the model holds builtins\.len, which could run code when it is loaded",
    ):
        model_files.save(signed, config, Model(), tmp_path / "model")


def test_weights_and_monotone_constraints_reach_the_estimator(
    making: Callable[..., ModelConfig], rows: pd.DataFrame
) -> None:
    rows = rows.assign(heavy=np.where(rows["bad"] == 1, 1000.0, 1.0))
    plain = making("binary", "sklearn.linear_model.LogisticRegression", {})
    weighted = plain.model_copy(
        update={"train": plain.train.model_copy(update={"sample_weight": "heavy"})}
    )
    assert (
        score(fit(weighted, rows), plain, rows).mean()
        > 0.9
        > score(fit(plain, rows), plain, rows).mean()
    )
    with pytest.raises(ConfigError, match=r"train\.sample_weight: heavy must be a column"):
        fit(weighted, rows.drop(columns="heavy"))
    falling = making(
        "regression",
        "sklearn.ensemble.HistGradientBoostingRegressor",
        {"monotonic_cst": {"size": -1}},
    )
    size_alone = {
        "data": falling.data.model_copy(update={"features": ("size",)}),
        "train": falling.train.model_copy(update={"preprocess": (), "scale": False}),
    }
    falling = falling.model_copy(update=size_alone)
    predicted = score(fit(falling, rows), falling, rows.sort_values("size"))
    assert (predicted.diff().dropna() <= 0).all()
