"""Model files: saved with skops under our allow-list, hashed, sent, and read back the way that serving does.

Not here: which version they become (registry.py), whether they are good enough (tasks/verdict).
"""

import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import TypeVar

import mlflow.sklearn
import numpy as np
import pandas as pd
import skops.io
from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput
from mlflow.models import Model, ModelSignature, infer_signature
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from sklearn.base import BaseEstimator

from configs.errors import ModelRejected
from configs.model import ModelConfig
from tasks.data import digests
from tasks.tracking.runs import FLOW_RUN, Run

T = TypeVar("T")

# whose types a model may hold; others could run code when loaded. attrgetter reads one part of a date
TRUSTED = (
    "sklearn.",
    "numpy.",
    "scipy.",
    "xgboost.",
    "lightgbm.",
    "catboost.",
    "collections.OrderedDict",
    "operator.attrgetter",
)
SHA256 = "ratchet.model_sha256"
ADDED_BY_DOWNLOAD = frozenset({"registered_model_meta"})  # different for each kind of address
SIGNATURE_ROWS = 5_000
EXAMPLE_ROWS = 3


@dataclass(frozen=True)
class SignedModel:
    """A fitted model with its model signature, and the rows that signature was inferred from and enforced on."""

    pipeline: BaseEstimator
    signature: ModelSignature
    sample: pd.DataFrame


def sign(model: BaseEstimator, config: ModelConfig, rows: pd.DataFrame) -> SignedModel:
    """The model with the schema of its features and of `predict`; ModelRejected when a column got lost in it."""
    sample = sample_with_nulls(rows[list(config.data.features)])
    with warnings.catch_warnings():
        # a hint about integers that may one day be null; where warnings are errors it would silently cost the whole schema
        warnings.filterwarnings("ignore", ".*integer column", UserWarning)
        signature = infer_signature(sample, model.predict(sample))
    named = signature.inputs.input_names() if signature.inputs.has_input_names() else []
    if lost := [column for column in sample.columns if column not in named]:
        raise ModelRejected(
            f"the model signature has no {', '.join(lost)}: give these features a plain type (int64, float64, bool, string) in prepare"
        )
    return SignedModel(model, signature, sample)


def log_model(
    client: MlflowClient, run: Run, signed: SignedModel, config: ModelConfig
) -> tuple[str, str]:
    """The id and sha256 of the model, kept with the run: sent, downloaded again, loaded, and predicting as before.

    A complete model that an earlier attempt of this run left is kept; an incomplete one goes.
    """
    for earlier in client.search_logged_models([run.experiment], f"source_run_id = '{run.id}'"):
        if earlier.status == "READY" and SHA256 in earlier.tags:
            verify(client, earlier.artifact_location, earlier.tags[SHA256], _predicts_as(signed))
            return earlier.model_id, earlier.tags[SHA256]
        client.delete_logged_model(earlier.model_id)
    return _send(client, run, signed, config)


def verify(client: MlflowClient, address: str, sha256: str, check: Callable[[Path], T]) -> T:
    """What `check` says of the files at `address`, once they are those of `sha256`; ModelRejected when they are not."""
    if not get_artifact_repository(address, tracking_uri=client.tracking_uri).list_artifacts():
        raise ModelRejected(
            "the model's files are no longer there; restore them from a backup, or train again"
        )
    with tempfile.TemporaryDirectory() as folder:
        files = Path(
            mlflow.artifacts.download_artifacts(
                artifact_uri=address, dst_path=folder, tracking_uri=client.tracking_uri
            )
        )
        found = digests.of_folder(files, leave_out=ADDED_BY_DOWNLOAD)
        if found != sha256:
            raise ModelRejected(
                f"the model's files have sha256 {found[:12]}, not {sha256[:12]} as when they were judged; train again"
            )
        return check(files)


def load(files: Path) -> BaseEstimator:
    """The model in a folder of model files; ModelRejected when it holds a type outside the allow-list."""
    require_trusted_files(files)
    model: BaseEstimator = mlflow.sklearn.load_model(str(files))
    return model


def sample_with_nulls(rows: pd.DataFrame) -> pd.DataFrame:
    """At most SIGNATURE_ROWS rows, in which each column that has nulls shows one."""
    with_null = [
        rows.index[rows[column].isna()][:1] for column in rows if rows[column].isna().any()
    ]
    first = rows.index[:SIGNATURE_ROWS]
    return rows.loc[first.append(with_null).unique()]


def require_trusted_files(files: Path) -> None:
    for file in files.glob("*.skops"):
        require_trusted_types(skops.io.get_untrusted_types(file=file))


def require_trusted_types(types: list[str]) -> None:
    if foreign := [name for name in types if not name.startswith(TRUSTED)]:
        raise ModelRejected(
            f"the model holds {', '.join(foreign)}, which could run code when it is loaded; leave it out of train.params, or compute it in prepare"
        )


def _send(
    client: MlflowClient, run: Run, signed: SignedModel, config: ModelConfig
) -> tuple[str, str]:
    logged = client.create_logged_model(
        run.experiment,
        "model",
        source_run_id=run.id,
        tags={FLOW_RUN: run.flow_run},
        model_type="regressor" if config.kind == "regression" else "classifier",
    )
    entry = Model(
        artifact_path=logged.artifact_location,
        run_id=run.id,
        model_uuid=logged.model_id,
        model_id=logged.model_id,
    )
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder, "model")
        save(signed, config, entry, files)
        sha256 = digests.of_folder(files)
        client.log_outputs(run.id, [LoggedModelOutput(logged.model_id, step=0)])
        client.log_model_artifacts(logged.model_id, str(files))
    verify(client, logged.artifact_location, sha256, _predicts_as(signed))
    client.set_logged_model_tags(logged.model_id, {SHA256: sha256})
    client.finalize_logged_model(
        logged.model_id, "READY"
    )  # last: a model without this is one that an attempt left half sent
    return logged.model_id, sha256


def save(signed: SignedModel, config: ModelConfig, entry: Model, files: Path) -> None:
    """The model files in a folder: skops under our allow-list, with signature, example and pinned requirements."""
    types = skops.io.get_untrusted_types(data=skops.io.dumps(signed.pipeline))
    require_trusted_types(types)
    private = set(config.data.private) & set(config.data.features)
    mlflow.sklearn.save_model(
        signed.pipeline,
        str(files),
        mlflow_model=entry,
        serialization_format="skops",
        skops_trusted_types=types,
        signature=signed.signature,
        input_example=None if private else signed.sample.head(EXAMPLE_ROWS),
        pip_requirements=requirements(config),
    )


def requirements(config: ModelConfig) -> list[str]:
    """What loading the model needs, pinned to what made it."""
    return [f"{name}=={found}" for name, found in installed(config).items()]


def installed(config: ModelConfig) -> dict[str, str]:
    """The versions of what is needed here to load such a model."""
    packages = {dotted.partition(".")[0] for _, dotted, _ in config.train.estimators}
    own = [name for package in sorted(packages) for name in _distributions().get(package, [])]
    names = dict.fromkeys(["mlflow", "scikit-learn", "skops", "numpy", "scipy", "pandas", *own])
    return {name: version(name) for name in names}


@cache
def _distributions() -> Mapping[str, list[str]]:
    """Which installed distributions hold which top-level package; reading all their file lists takes half a second."""
    return packages_distributions()


def _predicts_as(signed: SignedModel) -> Callable[[Path], None]:
    model, sample = signed.pipeline, signed.sample

    def check(files: Path) -> None:
        loaded = load(files)
        served = mlflow.pyfunc.load_model(str(files)).predict(
            sample
        )  # this way the model signature is enforced
        method = "predict_proba" if hasattr(model, "predict_proba") else "predict"
        same = np.array_equal(getattr(loaded, method)(sample), getattr(model, method)(sample))
        if not (same and np.array_equal(served, model.predict(sample))):
            raise ModelRejected(
                "the model predicts differently after it was saved and loaded; this estimator cannot be kept"
            )

    return check
