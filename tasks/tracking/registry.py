"""The model registry: versions, found by their flow run before they are made, and their labels.

Not here: what the labels should be (tasks/release/projection.py), the files of a version
(model_files.py), what its training run recorded (versions.py).
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
    """Register this flow run's version, in stage None, and return its number.

    A version that an earlier attempt registered is returned as it is. RatchetError when the
    registry does not have a complete version afterwards.
    """
    _ensure_registered_model(client, config)
    number = find_version(client, config.name, run.flow_run)
    if number is None:
        client.create_model_version(
            config.name,
            f"models:/{model_id}",
            run_id=run.id,
            model_id=model_id,
            tags={**tags, FLOW_RUN: run.flow_run, STAGE: "None"},
            description=description,
            await_creation_for=0,
        )
        number = find_version(client, config.name, run.flow_run)
    if number is None or client.get_model_version(config.name, str(number)).status != "READY":
        raise RatchetError(
            f"{config.name}: the registry has no complete version of run {run.id};"
            " retry this flow run"
        )
    delete_duplicate_versions(client, config.name, run.flow_run, number)
    return number


def find_version(client: MlflowClient, model: str, flow_run: str) -> int | None:
    """The oldest version with this flow run's tag, or None."""
    return min(_versions_of_flow_run(client, model, flow_run), default=None)


def delete_duplicate_versions(client: MlflowClient, model: str, flow_run: str, number: int) -> None:
    """Delete all versions of this flow run but `number`; a request sent twice leaves them."""
    for duplicate in _versions_of_flow_run(client, model, flow_run):
        if duplicate != number:
            client.delete_model_version(model, str(duplicate))


def read_version(client: MlflowClient, model: str, number: int) -> RegisteredVersion:
    """A version's record; UsageError lists the versions there are when this is not one of them."""
    try:
        entry = client.get_model_version(model, str(number))
    except MlflowException as error:
        if error.error_code != ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
            raise
        registered = ", ".join(map(str, version_numbers(client, model))) or "none"
        raise UsageError(f"{model} has no version {number}; it has {registered}") from error
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
    """The numbers of all versions of the model, ascending."""
    versions = client.search_model_versions(f"name='{model}'")
    return tuple(sorted(int(version.version) for version in versions))


def read_logged_model(client: MlflowClient, model: str, number: int) -> str | None:
    """MLflow's id of the version's model, if the registry names it."""
    return _logged_model_of(client.get_model_version(model, str(number)))


def read_aliases(client: MlflowClient, model: str) -> dict[str, int]:
    """The number of the version that each alias points at."""
    aliases = client.get_registered_model(model).aliases
    return {alias: int(number) for alias, number in aliases.items()}


def show_aliases(client: MlflowClient, model: str, wanted: Mapping[str, int | None]) -> None:
    """Point each alias at its version, or remove it; one that is right already costs no request."""
    current = read_aliases(client, model)
    for alias, number in wanted.items():
        if number is None and alias in current:
            client.delete_registered_model_alias(model, alias)
        elif number is not None and current.get(alias) != number:
            client.set_registered_model_alias(model, alias, str(number))


def read_stages(client: MlflowClient, model: str) -> dict[int, tuple[str, str]]:
    """The stage of each version, by its number: as our tag says, and as MLflow's own field says."""
    versions = client.search_model_versions(f"name='{model}'")
    return {
        int(version.version): (version.tags.get(STAGE, "None"), version.current_stage or "None")
        for version in versions
    }


def show_stage(client: MlflowClient, model: str, number: int, stage: str) -> None:
    """Set the stage as the version's tag, which every UI shows, and in MLflow's own field."""
    client.set_model_version_tag(model, str(number), STAGE, stage)
    with warnings.catch_warnings():
        # deprecated; this goes when MLflow drops stages
        warnings.filterwarnings("ignore", "``mlflow.tracking.client", FutureWarning)
        client.transition_model_version_stage(model, str(number), stage)


def describe(client: MlflowClient, model: str, number: int, description: str) -> None:
    """Set the version's description, unless it is the same already."""
    if client.get_model_version(model, str(number)).description != description:
        client.update_model_version(model, str(number), description)


def _versions_of_flow_run(client: MlflowClient, model: str, flow_run: str) -> list[int]:
    with_tag = f"name='{model}' and tags.`{FLOW_RUN}` = '{flow_run}'"
    return [int(version.version) for version in client.search_model_versions(with_tag)]


def _address(client: MlflowClient, entry: ModelVersion) -> str:
    """Where the version's files lie; the registry may only name MLflow's id of the model."""
    model_id = _logged_model_of(entry)
    if model_id is None:
        return entry.source or ""
    return str(client.get_logged_model(model_id).artifact_location)


def _logged_model_of(entry: ModelVersion) -> str | None:
    model_id = (entry.source or "").removeprefix("models:/")
    return model_id if model_id.startswith("m-") else None


def _ensure_registered_model(client: MlflowClient, config: ModelConfig) -> None:
    """Create the model's entry in the registry if there is none."""
    try:
        client.create_registered_model(
            config.name, tags={"owner": config.owner}, description=config.description
        )
    except MlflowException as error:
        if error.error_code != ErrorCode.Name(RESOURCE_ALREADY_EXISTS):
            raise
