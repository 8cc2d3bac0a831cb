"""Rows stored by their content beside a model's experiment, under the sha256 of their file.

They are what a later comparison needs: the holdout's raw rows with the history that `prepare`
needs, and the keys trained on. They are stored once, and read back only if they are unchanged.
Not here: which rows these are (training_record.py), who reads them (versions.py).
"""

import tempfile
from pathlib import Path

import pandas as pd
from mlflow import MlflowClient
from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from configs.errors import Refused
from tasks.data import digests

# a column: True for the rows of the holdout, False for the history that `prepare` needs
IS_HOLDOUT = "ratchet_judged"


def store(client: MlflowClient, experiment_id: str, rows: pd.DataFrame) -> str:
    """Store the rows, unless they are stored already, and return the sha256 of their file."""
    repository = _repository(client, experiment_id)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "rows.parquet")
        rows.to_parquet(file, index=False, compression="zstd")
        sha256 = digests.of_file(file)
        file = file.rename(file.with_name(f"{sha256}.parquet"))
        # by size: an attempt that died may have left half a file under this name
        if _stored_sizes(repository).get(file.name) != file.stat().st_size:
            repository.log_artifact(str(file))
    return sha256


def read(client: MlflowClient, experiment_id: str, sha256: str) -> pd.DataFrame:
    """The rows stored under `sha256`; Refused when their file is gone or has changed."""
    repository = _repository(client, experiment_id)
    name = f"{sha256}.parquet"
    if name not in _stored_sizes(repository):
        raise Refused(
            f"the stored rows {sha256[:12]} are no longer there;"
            " restore that file from a backup, or train again"
        )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(repository.download_artifacts(name, folder))
        if digests.of_file(file) != sha256:
            raise Refused(
                f"the stored rows {sha256[:12]} have changed since they were stored;"
                " restore that file from a backup, or train again"
            )
        return pd.read_parquet(file)


def _repository(client: MlflowClient, experiment_id: str) -> ArtifactRepository:
    root = client.get_experiment(experiment_id).artifact_location
    return get_artifact_repository(f"{root}/kept", tracking_uri=client.tracking_uri)


def _stored_sizes(repository: ArtifactRepository) -> dict[str, int | None]:
    """The size in bytes of each stored file, by its name."""
    return {Path(info.path).name: info.file_size for info in repository.list_artifacts()}
