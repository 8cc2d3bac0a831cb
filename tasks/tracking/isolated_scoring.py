"""A model that today's libraries cannot load, scored in an environment of its own requirements.

That is slower, and gives the same answer. Not here: what runs in that environment
(standalone_scorer.py), models that load here (model_files.py).
"""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from ruamel.yaml import YAML

from configs.errors import ModelRejected

SCORER = Path(__file__).with_name("standalone_scorer.py")
# they load what an older version of them has saved
BACKWARD_COMPATIBLE = frozenset({"mlflow", "skops", "numpy", "scipy", "pandas"})


@dataclass(frozen=True)
class IsolatedAnswers:
    """What the model answers: scores of shape (n, classes) or (n,), its classes, its threshold."""

    scores: NDArray[np.float64]
    classes: list[Any]
    threshold: float


def differing_libraries(files: Path, installed: Mapping[str, str]) -> list[str]:
    """The model's libraries, as name==version, of which another minor version is installed here."""
    return [
        f"{name}=={version}"
        for name, version in _pinned_versions(files).items()
        if name in installed
        and name not in BACKWARD_COMPATIBLE
        and _minor(version) != _minor(installed[name])
    ]


def score_in_own_environment(files: Path, features: pd.DataFrame) -> IsolatedAnswers:
    """The model's answers to these rows; ModelRejected when its environment cannot be made."""
    uv = shutil.which("uv")
    if uv is None:
        raise ModelRejected(
            "the model needs libraries other than those installed here, and there is no uv on the"
            " path to make its environment with; install uv"
        )
    with tempfile.TemporaryDirectory() as folder:
        rows_file = Path(folder, "rows.parquet")
        answers_file = Path(folder, "answers.npz")
        features.to_parquet(rows_file)
        process = subprocess.run(
            [*_python_of(uv, files), SCORER, files, rows_file, answers_file],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if process.returncode:
            raise ModelRejected(
                "an environment made of the model's own requirements cannot score either:"
                f" {_last_line(process.stderr)}"
            )
        answers = np.load(answers_file)
        return IsolatedAnswers(
            answers["scores"], list(answers["classes"]), float(answers["threshold"])
        )


def _python_of(uv: str, files: Path) -> list[str]:
    """The command that runs Python in an environment of these model files' requirements."""
    made_with = YAML(typ="safe").load(files / "python_env.yaml")["python"]
    isolated = ["--quiet", "--no-project", "--isolated"]
    python = ["--python", _minor(made_with)]
    libraries = ["--with-requirements", str(files / "requirements.txt")]
    # -P keeps the scorer's folder off the import path: no library shall import our runs.py
    return [uv, "run", *isolated, *python, *libraries, "python", "-P"]


def _pinned_versions(files: Path) -> dict[str, str]:
    lines = (files / "requirements.txt").read_text().split()
    return dict(line.split("==") for line in lines if "==" in line)


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it printed no error"


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])
