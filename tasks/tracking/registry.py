"""The model registry: versions found by their flow run before they are made, and the labels that show what the ledger says.

Not here: what the labels should be (tasks/release/projection.py).
"""

import warnings
from collections.abc import Mapping

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, RESOURCE_DOES_NOT_EXIST, ErrorCode

from configs.errors import RatchetError, UsageError
from configs.model import ModelConfig
from tasks.records import RegisteredVersion
from tasks.tracking.model_files import SHA256
from tasks.tracking.runs import FLOW_RUN, Run

STAGE = "stage"


def register(
    client: MlflowClient,
    run: Run,
    config: ModelConfig,
    model_id: str,
    tags: Mapping[str, str],
    description: str,
) -> int:
    """The number of the version that this flow run made: found by its tag, else created, in stage None."""
    _ensure_model(client, config)
    if (number := find_version(client, config.name, run.flow_run)) is None:
        labels = {**tags, FLOW_RUN: run.flow_run, STAGE: "None"}
        client.create_model_version(
            config.name,
            f"models:/{model_id}",
            run_id=run.id,
            model_id=model_id,
            tags=labels,
            description=description,
            await_creation_for=0,
        )
        number = find_version(client, config.name, run.flow_run)
    if number is None or client.get_model_version(config.name, str(number)).status != "READY":
        raise RatchetError(
            f"{config.name}: the registry did not keep the version of run {run.id}; retry this flow run"
        )
    return number


def find_version(client: MlflowClient, model: str, flow_run: str) -> int | None:
    """The oldest version with this flow run's tag; younger ones, which a retried request leaves behind, are deleted."""
    found = client.search_model_versions(f"name='{model}' and tags.`{FLOW_RUN}` = '{flow_run}'")
    numbers = sorted(int(version.version) for version in found)
    for surplus in numbers[1:]:
        client.delete_model_version(model, str(surplus))
    return numbers[0] if numbers else None


def read_version(client: MlflowClient, model: str, number: int) -> RegisteredVersion:
    """A version's record; UsageError with the versions there are, when there is no such one."""
    try:
        entry = client.get_model_version(model, str(number))
    except MlflowException as error:
        if error.error_code != ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
            raise
        have = ", ".join(map(str, version_numbers(client, model))) or "none"
        raise UsageError(f"{model} has no version {number}; it has {have}") from error
    run = client.get_run(entry.run_id or "")
    return RegisteredVersion(
        model=model,
        number=number,
        run_id=run.info.run_id,
        experiment=run.info.experiment_id,
        artifacts=run.info.artifact_uri,
        flow_run=entry.tags.get(FLOW_RUN, ""),
        sha256=entry.tags.get(SHA256, ""),
        address=_address(client, entry),
        metrics=dict(run.data.metrics),
        params=dict(run.data.params),
    )


def version_numbers(client: MlflowClient, model: str) -> tuple[int, ...]:
    return tuple(
        sorted(int(version.version) for version in client.search_model_versions(f"name='{model}'"))
    )


def read_aliases(client: MlflowClient, model: str) -> dict[str, int]:
    return {
        alias: int(number) for alias, number in client.get_registered_model(model).aliases.items()
    }


def show_aliases(client: MlflowClient, model: str, wanted: Mapping[str, int | None]) -> None:
    """Each alias at this version, or nowhere; no request is made where it already is so."""
    there = read_aliases(client, model)
    for alias, number in wanted.items():
        if number is None and alias in there:
            client.delete_registered_model_alias(model, alias)
        elif number is not None and there.get(alias) != number:
            client.set_registered_model_alias(model, alias, str(number))


def read_stages(client: MlflowClient, model: str) -> dict[int, tuple[str, str]]:
    """Of each version: its stage tag, and MLflow's own stage field."""
    found = client.search_model_versions(f"name='{model}'")
    return {
        int(version.version): (version.tags.get(STAGE, "None"), version.current_stage or "None")
        for version in found
    }


def show_stage(client: MlflowClient, model: str, number: int, stage: str) -> None:
    """The stage as the version's tag, which every UI shows, and in MLflow's own field."""
    client.set_model_version_tag(model, str(number), STAGE, stage)
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "``mlflow.tracking.client", FutureWarning
        )  # deprecated; goes when MLflow drops stages
        client.transition_model_version_stage(model, str(number), stage)


def describe(client: MlflowClient, model: str, number: int, description: str) -> None:
    if client.get_model_version(model, str(number)).description != description:
        client.update_model_version(model, str(number), description)


def _address(client: MlflowClient, entry: ModelVersion) -> str:
    source = entry.source or ""
    model_id = source.removeprefix("models:/")
    return (
        str(client.get_logged_model(model_id).artifact_location)
        if model_id.startswith("m-")
        else source
    )


def _ensure_model(client: MlflowClient, config: ModelConfig) -> None:
    try:
        client.create_registered_model(
            config.name, tags={"owner": config.owner}, description=config.description
        )
    except MlflowException as error:
        if error.error_code != ErrorCode.Name(RESOURCE_ALREADY_EXISTS):
            raise
