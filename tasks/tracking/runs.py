"""MLflow runs: one for each flow run, found by its tag before it is made, ended as the flow run ended.

Not here: model files (models.py), the registry (registry.py), rows kept for later comparisons (rows.py).
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mlflow import MlflowClient
from mlflow.artifacts import load_dict
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, ErrorCode

from configs.errors import RatchetError, RunChanged

FLOW_RUN = "ratchet.flow_run"
OUTCOME = "ratchet.outcome"  # there from the beginning: of two first writers of one tag MLflow refuses the second
NOTE = "mlflow.note.content"
PLAN = "plan.json"

Ending = Literal["FINISHED", "FAILED", "KILLED"]
ENDINGS: dict[str, Ending] = {
    "COMPLETED": "FINISHED",
    "FAILED": "FAILED",
    "CRASHED": "FAILED",
    "CANCELLED": "KILLED",
}  # of a flow run


@dataclass(frozen=True)
class Run:
    """One MLflow run, and the flow run that it records."""

    id: str
    experiment: str
    artifacts: str
    flow_run: str


def open_run(
    client: MlflowClient, experiment: str, name: str, flow_run: str, tags: Mapping[str, str]
) -> Run:
    """The run of this flow run, RUNNING: the one that an earlier attempt made, or a new one."""
    experiment_id = _experiment(client, experiment)
    found = find_run(client, experiment_id, flow_run)
    if found is None:
        client.create_run(
            experiment_id, run_name=name, tags={**tags, FLOW_RUN: flow_run, OUTCOME: "open"}
        )
        found = find_run(client, experiment_id, flow_run)
    if found is None:
        raise RatchetError(
            f"MLflow does not find the run it was just asked to make for flow run {flow_run}; retry this flow run"
        )
    client.update_run(found.id, status="RUNNING")
    return found


def find_run(client: MlflowClient, experiment_id: str, flow_run: str) -> Run | None:
    """The oldest run with this flow run's tag; younger ones, which a retried request leaves behind, are deleted."""
    runs = client.search_runs(
        [experiment_id], f"tags.`{FLOW_RUN}` = '{flow_run}'", order_by=["attributes.start_time ASC"]
    )
    for surplus in runs[1:]:
        client.delete_run(surplus.info.run_id)
    return (
        Run(runs[0].info.run_id, experiment_id, runs[0].info.artifact_uri, flow_run)
        if runs
        else None
    )


def settle(client: MlflowClient, run: Run, plan: Mapping[str, Any]) -> dict[str, Any]:
    """The plan of this run's first attempt: `plan` if this is the first, else the one it kept."""
    if PLAN not in {artifact.path for artifact in client.list_artifacts(run.id)}:
        client.log_text(run.id, json.dumps(plan, indent=1, sort_keys=True), PLAN)
    return dict(load_dict(f"{run.artifacts}/{PLAN}"))


def log_params(client: MlflowClient, run: Run, params: Mapping[str, object]) -> None:
    """The params, logged; RunChanged when an earlier attempt of this run logged another value."""
    logged = client.get_run(run.id).data.params
    texts = {name: str(value)[:500] for name, value in params.items()}
    changed = [
        f"{name} was {logged[name]}, is {text}"
        for name, text in texts.items()
        if logged.get(name, text) != text
    ]
    if changed:
        raise RunChanged(f"this run began with other facts ({'; '.join(changed)}); start a new run")
    client.log_batch(run.id, params=[Param(name, text) for name, text in texts.items()])


def log_metrics(client: MlflowClient, run_id: str, metrics: Mapping[str, float]) -> None:
    now = int(time.time() * 1000)
    client.log_batch(
        run_id, metrics=[Metric(name, value, now, 0) for name, value in metrics.items()]
    )


def log_tags(client: MlflowClient, run: Run, tags: Mapping[str, str]) -> None:
    client.log_batch(run.id, tags=[RunTag(name, value) for name, value in tags.items()])


def describe(client: MlflowClient, run_id: str, markdown: str) -> None:
    """What MLflow shows above the run's parts."""
    client.set_tag(run_id, NOTE, markdown)


def describe_experiment(client: MlflowClient, experiment: str, markdown: str) -> None:
    client.set_experiment_tag(experiment, NOTE, markdown)


def log_files(client: MlflowClient, run: Run, folder: Path) -> None:
    client.log_artifacts(run.id, str(folder))


def log_dataset(
    client: MlflowClient,
    run: Run,
    name: str,
    digest: str,
    source: str,
    context: str,
    profile: Mapping[str, Any],
) -> None:
    """Rows that the run used, as a dataset input. MLflow keeps 36 characters of a digest: `digest` is cut to 32."""
    dataset = Dataset(
        name, digest[:32], "local", json.dumps({"uri": source}), profile=json.dumps(profile)
    )
    client.log_inputs(run.id, [DatasetInput(dataset, [InputTag("mlflow.data.context", context)])])


def end_run(client: MlflowClient, run_id: str, ending: Ending, outcome: str) -> None:
    """The run terminal, with the name of its outcome as a tag."""
    client.set_tag(run_id, OUTCOME, outcome[:500])
    client.set_terminated(run_id, ending)


def find_everywhere(client: MlflowClient, flow_run: str) -> list[str]:
    """The ids of the runs of this flow run, in whichever experiment: one, or none if it ended before it made one."""
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    return [
        run.info.run_id
        for run in client.search_runs(experiments, f"tags.`{FLOW_RUN}` = '{flow_run}'")
    ]


def open_runs(client: MlflowClient) -> dict[str, str]:
    """Of all runs that are not terminal: the flow run that each records, and its id."""
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    running = client.search_runs(experiments, "attributes.status = 'RUNNING'")
    scheduled = client.search_runs(experiments, "attributes.status = 'SCHEDULED'")
    return {
        run.data.tags[FLOW_RUN]: run.info.run_id
        for run in (*running, *scheduled)
        if FLOW_RUN in run.data.tags
    }


def _experiment(client: MlflowClient, name: str) -> str:
    if found := client.get_experiment_by_name(name):
        return str(found.experiment_id)
    try:
        return str(client.create_experiment(name))
    except MlflowException as error:
        if error.error_code != ErrorCode.Name(RESOURCE_ALREADY_EXISTS):
            raise
        return _experiment(client, name)  # another run of this model made it in between
