"""A model that today's libraries cannot load, scored in an environment made of its own pinned requirements: slower, and the same answer.

Not here: models that load (models.py).
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from ruamel.yaml import YAML

from configs.errors import ModelRejected

NOT_OF_ESTIMATORS = frozenset(
    {"mlflow", "skops", "numpy", "scipy", "pandas"}
)  # they load what an older one saved

SCRIPT = """
import sys, mlflow.sklearn, numpy, pandas
files, rows, answers = sys.argv[1:]
model = mlflow.sklearn.load_model(files)
features = pandas.read_parquet(rows)
classes = getattr(model, "classes_", [])
scores = model.predict_proba(features) if len(classes) else model.predict(features)
last = model.steps[-1][1] if hasattr(model, "steps") else model
threshold = getattr(last, "best_threshold_", getattr(last, "threshold", 0.5))
numpy.savez(answers, scores=scores, classes=classes, threshold=threshold if isinstance(threshold, float) else 0.5)
"""


def made_of_other_libraries(files: Path, installed: dict[str, str]) -> list[str]:
    """The libraries of its estimators whose minor version in the model's folder is not the installed one, as name==version."""
    pinned = dict(
        line.split("==")
        for line in (files / "requirements.txt").read_text().split()
        if "==" in line
    )
    return [
        f"{name}=={version}"
        for name, version in pinned.items()
        if name in set(installed) - NOT_OF_ESTIMATORS and _minor(version) != _minor(installed[name])
    ]


def score_elsewhere(
    files: Path, features: pd.DataFrame
) -> tuple[NDArray[np.float64], list[object], float]:
    """Scores of shape (n,) or (n, classes), the classes, and the threshold; ModelRejected says why there are none."""
    if (uv := shutil.which("uv")) is None:
        raise ModelRejected(
            "it needs libraries other than today's, and there is no uv on the path to make its environment with"
        )
    python = YAML(typ="safe").load(files / "python_env.yaml")["python"]
    with tempfile.TemporaryDirectory() as folder:
        rows, answers = Path(folder, "rows.parquet"), Path(folder, "answers.npz")
        features.to_parquet(rows)
        done = subprocess.run(
            [uv, "run", "--quiet", "--no-project", "--isolated", "--python", _minor(python), "--with-requirements", files / "requirements.txt",
             "python", "-c", SCRIPT, files, rows, answers],
            cwd=folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
            raise ModelRejected(
                f"an environment made of its own requirements cannot score either: {said}"
            )
        found = np.load(answers)
        return found["scores"], list(found["classes"]), float(found["threshold"])


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])
