"""What was kept with a registered version, read back: its configuration and hooks, its holdout, the keys it has seen; and its scores.

Not here: who is compared with whom (tasks/comparison/contest.py).
"""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mlflow.artifacts
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from numpy.typing import NDArray
from pydantic import ValidationError

from configs.errors import ModelRejected, Refused
from configs.model import ModelConfig
from tasks.data.hooks import Hooks, parse_hooks
from tasks.model.scores import THRESHOLD, Scores, threshold_of
from tasks.model.scores import score as score_here
from tasks.records import RegisteredVersion, Role
from tasks.tracking import isolated_scoring, model_files, registry, stored_rows


@dataclass(frozen=True)
class Scored:
    """A version's scores of some rows, the threshold it decides at, and what to know of how they came about."""

    scores: Scores
    threshold: float = THRESHOLD
    note: str = ""


def read_config_and_hooks(version: RegisteredVersion) -> tuple[ModelConfig, Hooks]:
    """The configuration and the hooks that the version was trained with."""
    try:
        config = ModelConfig.model_validate(json.loads(_text(version, "config.json")))
    except ValidationError as error:
        raise Refused(
            f"its kept configuration is not one of today's ({error.errors()[0]['msg']}); train it again"
        ) from error
    source = _text(version, "hooks.py") if config.hooks else ""
    return config, parse_hooks(config, source, Path(f"{version.model}-{version.number}.py"))


def read_holdout(client: MlflowClient, version: RegisteredVersion) -> pd.DataFrame:
    """The raw rows of its holdout with the history that `prepare` needs; Refused when they are not those that were kept."""
    return stored_rows.read(client, version.experiment, version.params.get("holdout_sha256", ""))


def read_training_keys(client: MlflowClient, version: RegisteredVersion) -> "pd.Series[Any]":
    """The keys of the rows that shaped it."""
    kept = stored_rows.read(client, version.experiment, version.params.get("train_keys_sha256", ""))
    return kept[kept.columns[0]]


def score(
    client: MlflowClient, version: RegisteredVersion, config: ModelConfig, prepared: pd.DataFrame
) -> Scored:
    """Its scores of prepared rows, by the loader that serves; one made with other libraries is asked in an environment of its own."""

    def scored(files: Path) -> Scored:
        if other := isolated_scoring.made_of_other_libraries(files, model_files.installed(config)):
            model_files.require_trusted_files(files)
            answers, classes, threshold = isolated_scoring.score_elsewhere(
                files, prepared[list(config.data.features)]
            )
            note = f"needs {', '.join(other)} and was scored in an environment of its own"
            return Scored(_shaped(answers, classes, config, prepared), threshold, note)
        model = model_files.load(files)
        return Scored(score_here(model, config, prepared), threshold_of(model))

    return model_files.verify(client, version.address, version.sha256, scored)


def read_versions(
    client: MlflowClient, model: str, numbers: Mapping[Role, int | None]
) -> dict[Role, RegisteredVersion]:
    """The record of each of these versions that the registry still has, by its role."""
    there = registry.version_numbers(client, model)
    return {
        role: registry.read_version(client, model, number)
        for role, number in numbers.items()
        if number in there
    }


def count_looks(client: MlflowClient, model: str, since: datetime | None) -> int:
    """How many runs of this model since then measured a holdout, for somebody to see; at least one."""
    experiment = client.get_experiment_by_name(model)
    started = (
        f"attributes.start_time >= {int(since.replace(tzinfo=UTC).timestamp() * 1000)}"
        if since
        else ""
    )
    runs = (
        client.search_runs([experiment.experiment_id], started, max_results=10_000)
        if experiment
        else []
    )
    return max(
        1, sum(any(name.startswith("holdout/") for name in run.data.metrics) for run in runs)
    )


def read_model_signature(client: MlflowClient, version: RegisteredVersion) -> dict[str, str]:
    """The type of each input of its model signature, by name; `answer` is its output's."""
    with tempfile.TemporaryDirectory() as folder:
        file = mlflow.artifacts.download_artifacts(
            f"{version.address}/MLmodel", dst_path=folder, tracking_uri=client.tracking_uri
        )
        found = Model.load(file).signature
    inputs = {column.name: str(column.type) for column in found.inputs.inputs}
    return inputs | {"answer": ", ".join(str(column.type) for column in found.outputs.inputs)}


def _shaped(
    answers: NDArray[np.float64], classes: list[object], config: ModelConfig, prepared: pd.DataFrame
) -> Scores:
    if config.kind == "multiclass":
        return pd.DataFrame(answers, index=prepared.index, columns=classes)
    return pd.Series(
        answers[:, 1] if config.kind == "binary" else np.ravel(answers),
        index=prepared.index,
        name="score",
    )


def _text(version: RegisteredVersion, file: str) -> str:
    try:
        return str(mlflow.artifacts.load_text(f"{version.artifacts}/{file}"))
    except (MlflowException, OSError) as error:
        raise ModelRejected(
            f"{file} of its training run cannot be read; restore it from a backup, or train again"
        ) from error
