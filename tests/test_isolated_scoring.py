"""A model made with other libraries is scored in an environment made of its own requirements, and answers as it did there."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from configs.errors import ModelRejected
from configs.reading import read_file
from tasks.data import digests
from tasks.records import RegisteredVersion
from tasks.tracking import isolated_scoring, versions

OLDER = "scikit-learn==1.8.0"
# the files lie in a folder; a client without an address would make a database where tests run
UNASKED = MlflowClient("http://127.0.0.1:9")
MAKE = """
import json, sys, mlflow.sklearn, pandas
from sklearn.linear_model import LogisticRegression
rows = pandas.read_parquet(sys.argv[1])
model = LogisticRegression().fit(rows[["amount", "double"]], rows["bad"])
mlflow.sklearn.save_model(model, sys.argv[2], serialization_format="skops", pip_requirements=sys.argv[3:])
print(json.dumps(list(model.predict_proba(rows[["amount", "double"]])[:, 1])))
"""


@pytest.fixture
def rows() -> pd.DataFrame:
    random = np.random.default_rng(0)
    amount = random.normal(size=200)
    return pd.DataFrame(
        {
            "amount": amount,
            "double": 2 * amount,
            "bad": (amount + random.normal(size=200) > 0).astype("int64"),
        }
    )


def test_a_champion_of_an_older_scikit_learn_is_scored_in_its_own_environment(
    rows: pd.DataFrame, tiny: Path, tmp_path: Path
) -> None:
    if (uv := shutil.which("uv")) is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
            "there is no uv on the path to make an environment with"
        )
    from importlib.metadata import version

    pins = [
        OLDER,
        *(f"{name}=={version(name)}" for name in ("mlflow", "skops", "numpy", "scipy", "pandas")),
    ]
    rows.to_parquet(tmp_path / "rows.parquet")
    within = [argument for pin in pins for argument in ("--with", pin)]
    made = subprocess.run(
        [uv, "run", "--quiet", "--no-project", "--isolated", "--python", sys.executable, *within, "python", "-c", MAKE, tmp_path / "rows.parquet",
         tmp_path / "model", *pins],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    sha256 = digests.of_folder(tmp_path / "model")
    older = RegisteredVersion(
        "tiny", 1, "r", "1", "a", "f", sha256, str(tmp_path / "model"), {}, {}
    )
    scored = versions.score(UNASKED, older, read_file(tiny), rows)
    assert scored.note == f"needs {OLDER} and was scored in an environment of its own"
    np.testing.assert_array_equal(scored.scores, json.loads(made.stdout.splitlines()[-1]))


def test_where_no_environment_can_be_made_it_is_said_why(
    rows: pd.DataFrame, tmp_path: Path
) -> None:
    (tmp_path / "python_env.yaml").write_text(
        f"python: {sys.version_info.major}.{sys.version_info.minor}.0\n"
    )
    (tmp_path / "requirements.txt").write_text("scikit-learn==0.0.1\n")
    assert isolated_scoring.made_of_other_libraries(
        tmp_path, {"scikit-learn": "1.9.1", "numpy": "2.4.0"}
    ) == ["scikit-learn==0.0.1"]
    with pytest.raises(
        ModelRejected, match="an environment made of its own requirements cannot score either"
    ):
        isolated_scoring.score_elsewhere(tmp_path, rows)
