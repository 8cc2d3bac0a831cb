"""What was stored with a registered version, read back: its configuration and hooks, its holdout,
the keys it was trained on; and its scores.

Not here: which versions there are (registry.py), who is compared with whom
(tasks/comparison/assembly.py).
"""

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import mlflow.artifacts
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.types import Schema
from pydantic import ValidationError

from configs.errors import ModelRejected, Refused
from configs.model import ModelConfig
from tasks.data.hooks import Hooks, parse_hooks
from tasks.model import scores
from tasks.model.scores import THRESHOLD, Scores
from tasks.records import RegisteredVersion, Role, VersionNumbers
from tasks.tracking import isolated_scoring, model_files, registry, stored_rows
from tasks.tracking.isolated_scoring import IsolatedAnswers
from tasks.tracking.requirements import installed_versions
from tasks.tracking.trusted_types import require_trusted_files


@dataclass(frozen=True)
class VersionScores:
    """A version's scores of some rows, the threshold it decides at, and how it was scored.

    `note` is empty where there is nothing to say about that.
    """

    scores: Scores
    threshold: float = THRESHOLD
    note: str = ""


Scorer = Callable[[pd.DataFrame], VersionScores]


def read_versions(
    client: MlflowClient, model: str, numbers: VersionNumbers
) -> dict[Role, RegisteredVersion]:
    """The record of each of these versions that the registry still has, by its role."""
    registered = registry.version_numbers(client, model)
    return {
        role: registry.read_version(client, model, number)
        for role, number in numbers.items()
        if number in registered
    }


def read_config_and_hooks(version: RegisteredVersion) -> tuple[ModelConfig, Hooks]:
    """The configuration and the hooks that the version was trained with.

    Refused when the configuration does not fit today's schema, ModelRejected when a file is gone.
    """
    try:
        config = ModelConfig.model_validate(json.loads(_read_text(version, "config.json")))
    except ValidationError as error:
        raise Refused(
            "its stored configuration is not valid today"
            f" ({error.errors()[0]['msg']}); train it again"
        ) from error
    source = _read_text(version, "hooks.py") if config.hooks else ""
    return config, parse_hooks(config, source, Path(f"{version.model}-{version.number}.py"))


def read_holdout(client: MlflowClient, version: RegisteredVersion) -> pd.DataFrame:
    """The raw rows of its holdout, with the history that `prepare` needs.

    Refused when they are gone or have changed.
    """
    return stored_rows.read(client, version.experiment, version.holdout_sha256)


def read_baselines(client: MlflowClient, version: RegisteredVersion) -> pd.DataFrame:
    """The scores of its holdout by its baselines, as one table; Refused when they are gone."""
    if not version.baselines_sha256:
        raise Refused("was trained before the scores of baselines were stored; train it again")
    return stored_rows.read(client, version.experiment, version.baselines_sha256)


def read_training_keys(client: MlflowClient, version: RegisteredVersion) -> "pd.Series[Any]":
    """The keys of the rows it was trained on, or its threshold was chosen on."""
    keys = stored_rows.read(client, version.experiment, version.train_keys_sha256)
    return keys[keys.columns[0]]


def score(
    client: MlflowClient, version: RegisteredVersion, config: ModelConfig, prepared: pd.DataFrame
) -> VersionScores:
    """The version's scores of prepared rows, by the model that serving loads.

    A model made with other libraries is scored in an environment of its own. ModelRejected when
    its files have changed, or it cannot be scored in either way.
    """
    return model_files.read_verified(
        client, version.address, version.sha256, lambda files: scorer(config, files)(prepared)
    )


def scorer(config: ModelConfig, files: Path) -> Scorer:
    """What scores prepared rows by the model in these files, which is loaded once.

    The files must stay: where today's libraries cannot load them, each call makes an environment.
    """
    differing = isolated_scoring.differing_libraries(files, installed_versions(config))
    if differing:
        require_trusted_files(files)
        return partial(_score_in_own_environment, config, files, differing)
    estimator = model_files.load(files)
    threshold = scores.threshold_of(estimator)
    return lambda prepared: VersionScores(scores.score(estimator, config, prepared), threshold)


def _score_in_own_environment(
    config: ModelConfig, files: Path, differing: Sequence[str], prepared: pd.DataFrame
) -> VersionScores:
    features = prepared[list(config.data.features)]
    answers = isolated_scoring.score_in_own_environment(files, features)
    return VersionScores(
        _as_scores(answers, config, prepared.index),
        answers.threshold,
        f"needs {', '.join(differing)} and was scored in an environment of its own",
    )


def _as_scores(answers: IsolatedAnswers, config: ModelConfig, index: "pd.Index[Any]") -> Scores:
    """The answers as `scores.score` returns them."""
    if config.kind == "multiclass":
        return pd.DataFrame(answers.scores, index=index, columns=answers.classes)
    if config.kind == "binary":
        return pd.Series(answers.scores[:, 1], index=index, name="score")
    return pd.Series(np.ravel(answers.scores), index=index, name="prediction")


def count_looks(client: MlflowClient, model: str, since: datetime | None) -> int:
    """How many runs of this model measured a holdout after `since`; at least one.

    Each gave somebody a chance to look. `since` is in UTC; None counts all runs.
    """
    experiment = client.get_experiment_by_name(model)
    if experiment is None:
        return 1
    started = ""
    if since:
        milliseconds = int(since.replace(tzinfo=UTC).timestamp() * 1000)
        started = f"attributes.start_time >= {milliseconds}"
    runs = client.search_runs([experiment.experiment_id], started, max_results=10_000)
    return max(1, sum(_measured_a_holdout(run) for run in runs))


def _measured_a_holdout(run: Run) -> bool:
    return any(name.startswith("holdout/") for name in run.data.metrics)


def read_model_signature(client: MlflowClient, version: RegisteredVersion) -> dict[str, str]:
    """The type of each input of its model signature, by name; `answer` is its output's."""
    with tempfile.TemporaryDirectory() as folder:
        file = mlflow.artifacts.download_artifacts(
            f"{version.address}/MLmodel", dst_path=folder, tracking_uri=client.tracking_uri
        )
        model_signature = Model.load(file).signature
    inputs = {column.name: str(column.type) for column in model_signature.inputs.inputs}
    return {**inputs, "answer": _types_of(model_signature.outputs)}


def _types_of(schema: Schema) -> str:
    return ", ".join(str(column.type) for column in schema.inputs)


def _read_text(version: RegisteredVersion, file: str) -> str:
    """The text of a file that the version's training run logged."""
    try:
        return str(mlflow.artifacts.load_text(f"{version.artifacts}/{file}"))
    except (MlflowException, OSError) as error:
        raise ModelRejected(
            f"{file} of its training run cannot be read; restore it from a backup, or train again"
        ) from error
