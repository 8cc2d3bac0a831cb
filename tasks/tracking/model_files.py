"""Model files: saved with skops, hashed, sent, and loaded as serving does.

Not here: which types they may hold (trusted_types.py), which libraries they need
(requirements.py), which version they become (registry.py), scores by them (versions.py).
"""

import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import mlflow.sklearn
import numpy as np
import pandas as pd
import skops.io
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelOutput
from mlflow.models import Model, ModelSignature, infer_signature
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from configs.errors import ModelRejected
from configs.model import ModelConfig
from tasks.data import digests
from tasks.foreign_errors import told_as
from tasks.tracking.requirements import pip_requirements
from tasks.tracking.runs import FLOW_RUN, Run
from tasks.tracking.trusted_types import require_trusted_files, require_trusted_types

T = TypeVar("T")

SHA256 = "ratchet.model_sha256"
# MLflow adds them to a download, and they differ for each kind of address
ADDED_BY_DOWNLOAD = frozenset({"registered_model_meta"})
OTHER_ESTIMATOR = "choose another estimator"
SIGNATURE_ROWS = 5_000
EXAMPLE_ROWS = 3


@dataclass(frozen=True)
class SignedModel:
    """A fitted estimator with its model signature, and the rows that this was inferred from."""

    estimator: BaseEstimator
    model_signature: ModelSignature
    sample: pd.DataFrame
    private_inputs: tuple[str, ...]

    def require_same_predictions(self, files: Path) -> None:
        """Return when the model in these files predicts the sample exactly as the estimator does.

        It is loaded in both ways that serving does; ModelRejected when one of them differs.
        """
        loaded = load(files)
        with told_as(
            "the saved model cannot predict", self.private_inputs, ModelRejected, OTHER_ESTIMATOR
        ):
            # only this way does MLflow enforce the model signature
            served = mlflow.pyfunc.load_model(str(files)).predict(self.sample)
            is_same = np.array_equal(served, self.estimator.predict(self.sample))
            scores, loaded_scores = (
                _scores(each, self.sample) for each in (self.estimator, loaded)
            )
        if not (is_same and np.array_equal(loaded_scores, scores)):
            raise ModelRejected(
                "the model predicts differently after it was saved and loaded; " + OTHER_ESTIMATOR
            )


class LoggedFiles(NamedTuple):
    """Model files that are complete in MLflow: its id of the model, and their digest."""

    model_id: str
    sha256: str


def sign(estimator: BaseEstimator, config: ModelConfig, rows: pd.DataFrame) -> SignedModel:
    """The estimator with the schema of its features and of what `predict` returns.

    ModelRejected when a feature is missing from the schema, which MLflow then cannot enforce.
    """
    sample = sample_with_nulls(rows[list(config.data.features)])
    with warnings.catch_warnings():
        # a hint that integers may one day be null; where warnings are errors, it would
        # silently cost the whole schema
        warnings.filterwarnings("ignore", ".*integer column", UserWarning)
        with told_as(
            "no model signature can be inferred", config.data.private_inputs, ModelRejected
        ):
            model_signature = infer_signature(sample, estimator.predict(sample))
    inputs = model_signature.inputs
    in_schema = inputs.input_names() if inputs.has_input_names() else []
    missing = [feature for feature in sample.columns if feature not in in_schema]
    if missing:
        raise ModelRejected(
            f"the model signature has no {', '.join(missing)}: give these features a plain type"
            " (int64, float64, bool, string) in prepare"
        )
    return SignedModel(estimator, model_signature, sample, config.data.private_inputs)


def sample_with_nulls(rows: pd.DataFrame) -> pd.DataFrame:
    """The first SIGNATURE_ROWS rows, and of each column that has nulls the first row with one."""
    first_nulls = []
    for column in rows:
        is_null = rows[column].isna()
        if is_null.any():
            first_nulls.append(rows.index[is_null][:1])
    first_rows = rows.index[:SIGNATURE_ROWS]
    return rows.loc[first_rows.append(first_nulls).unique()]


def log_model(
    client: MlflowClient, run: Run, signed: SignedModel, config: ModelConfig
) -> LoggedFiles:
    """Send the model's files to MLflow, download them again, and require the same predictions.

    A complete model that an earlier attempt of this run left is used; an incomplete one is deleted.
    """
    for earlier in client.search_logged_models([run.experiment], f"source_run_id = '{run.id}'"):
        if earlier.status == "READY" and SHA256 in earlier.tags:
            sha256 = earlier.tags[SHA256]
            read_verified(
                client, earlier.artifact_location, sha256, signed.require_same_predictions
            )
            return LoggedFiles(earlier.model_id, sha256)
        client.delete_logged_model(earlier.model_id)
    return _send(client, run, signed, config)


def _send(client: MlflowClient, run: Run, signed: SignedModel, config: ModelConfig) -> LoggedFiles:
    model = client.create_logged_model(
        run.experiment,
        "model",
        source_run_id=run.id,
        tags={FLOW_RUN: run.flow_run},
        model_type="regressor" if config.kind == "regression" else "classifier",
    )
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder, "model")
        save(signed, config, _mlflow_entry(model, run), files)
        sha256 = digests.of_folder(files)
        client.log_outputs(run.id, [LoggedModelOutput(model.model_id, step=0)])
        client.log_model_artifacts(model.model_id, str(files))
    read_verified(client, model.artifact_location, sha256, signed.require_same_predictions)
    client.set_logged_model_tags(model.model_id, {SHA256: sha256})
    # last: a model that is not READY was left half sent by an attempt that died
    client.finalize_logged_model(model.model_id, "READY")
    return LoggedFiles(model.model_id, sha256)


def _mlflow_entry(model: LoggedModel, run: Run) -> Model:
    """What MLflow writes into the MLmodel file beside the model."""
    return Model(
        artifact_path=model.artifact_location,
        run_id=run.id,
        model_uuid=model.model_id,
        model_id=model.model_id,
    )


def save(signed: SignedModel, config: ModelConfig, entry: Model, files: Path) -> None:
    """Save the model in a folder: skops, model signature, example, pinned requirements.

    ModelRejected when it holds a type outside the allow-list. A model with a private feature has
    no example.
    """
    with told_as(
        "the model cannot be saved", config.data.private_inputs, ModelRejected, OTHER_ESTIMATOR
    ):
        types = skops.io.get_untrusted_types(data=skops.io.dumps(signed.estimator))
    require_trusted_types(types)
    private_features = set(config.data.private) & set(config.data.features)
    mlflow.sklearn.save_model(
        signed.estimator,
        str(files),
        mlflow_model=entry,
        serialization_format="skops",
        skops_trusted_types=types,
        signature=signed.model_signature,
        input_example=None if private_features else signed.sample.head(EXAMPLE_ROWS),
        pip_requirements=pip_requirements(config),
    )


def load(files: Path) -> BaseEstimator:
    """The estimator in a folder of model files; ModelRejected for a type outside the allow-list."""
    require_trusted_files(files)
    estimator: BaseEstimator = mlflow.sklearn.load_model(str(files))
    return estimator


def read_verified(client: MlflowClient, address: str, sha256: str, check: Callable[[Path], T]) -> T:
    """Download the files at `address`, and return what `check` makes of their folder.

    ModelRejected when their digest is not `sha256`, or there are none.
    """
    if not get_artifact_repository(address, tracking_uri=client.tracking_uri).list_artifacts():
        raise ModelRejected(
            "the model's files are no longer there; restore them from a backup, or train again"
        )
    with tempfile.TemporaryDirectory() as folder:
        downloaded = mlflow.artifacts.download_artifacts(
            artifact_uri=address, dst_path=folder, tracking_uri=client.tracking_uri
        )
        files = Path(downloaded)
        actual = digests.of_folder(files, leave_out=ADDED_BY_DOWNLOAD)
        if actual != sha256:
            raise ModelRejected(
                f"the model's files have sha256 {actual[:12]}, not the {sha256[:12]} that was"
                " recorded; restore them from a backup, or train again"
            )
        return check(files)


def _scores(estimator: Any, rows: pd.DataFrame) -> NDArray[Any]:
    """Probabilities, shape (n, classes), or where the estimator has none its predictions, (n,)."""
    predict = getattr(estimator, "predict_proba", estimator.predict)
    return np.asarray(predict(rows))
