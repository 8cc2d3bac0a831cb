"""Rows kept by their content: stored once beside a model's experiment, under the sha256 of their file, read back only if it still holds.

What a later comparison needs: the holdout's raw rows with the history that `prepare` needs, and the keys trained on.
"""

import tempfile
from pathlib import Path

import pandas as pd
from mlflow import MlflowClient
from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from configs.errors import Refused
from tasks.data import digests

JUDGED = "ratchet_judged"  # True for the rows of the holdout; the others are the history that prepare needs


def store(client: MlflowClient, experiment_id: str, rows: pd.DataFrame) -> str:
    """The sha256 under which the rows are kept from now on; nothing is sent when they already are."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "rows.parquet")
        rows.to_parquet(file, index=False, compression="zstd")
        sha256 = digests.of_file(file)
        named = file.rename(file.with_name(f"{sha256}.parquet"))
        store = _store(client, experiment_id)
        kept = {Path(info.path).name: info.file_size for info in store.list_artifacts()}
        if (
            kept.get(named.name) != named.stat().st_size
        ):  # absent, or half sent by an attempt that died
            store.log_artifact(str(named))
    return sha256


def read(client: MlflowClient, experiment_id: str, sha256: str) -> pd.DataFrame:
    """The rows kept under `sha256`; Refused when the file is no longer that, or no longer there."""
    store = _store(client, experiment_id)
    if f"{sha256}.parquet" not in {Path(info.path).name for info in store.list_artifacts()}:
        raise Refused(
            f"the kept rows {sha256[:12]} are no longer there; restore that file from a backup, or train again"
        )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(store.download_artifacts(f"{sha256}.parquet", folder))
        if digests.of_file(file) != sha256:
            raise Refused(
                f"the kept rows {sha256[:12]} have changed since they were stored; restore that file from a backup"
            )
        return pd.read_parquet(file)


def _store(client: MlflowClient, experiment_id: str) -> ArtifactRepository:
    root = client.get_experiment(experiment_id).artifact_location
    return get_artifact_repository(f"{root}/kept", tracking_uri=client.tracking_uri)
