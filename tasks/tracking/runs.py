"""MLflow runs: one for each flow run, found by its tag before it is made, ended as its flow run.

Not here: what a training run records (training_record.py), model files (model_files.py), the
registry (registry.py), rows stored for later comparisons (stored_rows.py).
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mlflow import MlflowClient
from mlflow.entities import Metric, Param
from mlflow.entities import Run as MlflowRun
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, ErrorCode

from configs.errors import RatchetError, RunChanged

FLOW_RUN = "ratchet.flow_run"
# set when a run is created: if two processes write a tag that is new, MLflow refuses the second
OUTCOME = "ratchet.outcome"
NOTE = "mlflow.note.content"

# longer values are cut
VALUE_CHARACTERS = 500

Ending = Literal["FINISHED", "FAILED", "KILLED"]

# how an MLflow run ends, by the final state of its flow run
ENDINGS: dict[str, Ending] = {
    "COMPLETED": "FINISHED",
    "FAILED": "FAILED",
    "CRASHED": "FAILED",
    "CANCELLED": "KILLED",
}


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
    """Open this flow run's MLflow run: the one an earlier attempt made, or a new one."""
    experiment_id = _experiment_id(client, experiment)
    run = find_run(client, experiment_id, flow_run)
    if run is None:
        all_tags = {**tags, FLOW_RUN: flow_run, OUTCOME: "open"}
        client.create_run(experiment_id, run_name=name, tags=all_tags)
        run = find_run(client, experiment_id, flow_run)
    if run is None:
        raise RatchetError(
            f"MLflow does not find the run it has just created for flow run {flow_run};"
            " retry this flow run"
        )
    delete_duplicate_runs(client, run)
    client.update_run(run.id, status="RUNNING")
    return run


def find_run(client: MlflowClient, experiment_id: str, flow_run: str) -> Run | None:
    """The oldest run with this flow run's tag, or None."""
    runs = _runs_of_flow_run(client, [experiment_id], flow_run)
    if not runs:
        return None
    oldest = runs[0].info
    return Run(oldest.run_id, experiment_id, oldest.artifact_uri, flow_run)


def delete_duplicate_runs(client: MlflowClient, run: Run) -> None:
    """Delete all other runs of the same flow run; a request that was sent twice leaves them."""
    for other in _runs_of_flow_run(client, [run.experiment], run.flow_run):
        if other.info.run_id != run.id:
            client.delete_run(other.info.run_id)


def log_params(client: MlflowClient, run: Run, params: Mapping[str, object]) -> None:
    """Log the params; RunChanged when an earlier attempt of this run logged another value."""
    logged = client.get_run(run.id).data.params
    texts = {name: str(value)[:VALUE_CHARACTERS] for name, value in params.items()}
    changes = [
        f"{name} was {logged[name]}, is {text}"
        for name, text in texts.items()
        if name in logged and logged[name] != text
    ]
    if changes:
        raise RunChanged(
            f"an earlier attempt of this run logged other values ({'; '.join(changes)});"
            " start a new run"
        )
    client.log_batch(run.id, params=[Param(name, text) for name, text in texts.items()])


def log_metrics(client: MlflowClient, run_id: str, metrics: Mapping[str, float]) -> None:
    now = int(time.time() * 1000)
    client.log_batch(
        run_id, metrics=[Metric(name, value, now, 0) for name, value in metrics.items()]
    )


def describe(client: MlflowClient, run_id: str, markdown: str) -> None:
    """Show this text at the top of the run's page in MLflow."""
    client.set_tag(run_id, NOTE, markdown)


def describe_experiment(client: MlflowClient, experiment: str, markdown: str) -> None:
    """Show this text at the top of the experiment's page in MLflow."""
    client.set_experiment_tag(experiment, NOTE, markdown)


def end_run(client: MlflowClient, run_id: str, ending: Ending, outcome: str) -> None:
    """End the run, with the name of its outcome as a tag."""
    client.set_tag(run_id, OUTCOME, outcome[:VALUE_CHARACTERS])
    client.set_terminated(run_id, ending)


def find_run_ids(client: MlflowClient, flow_run: str) -> list[str]:
    """The ids of this flow run's MLflow runs in all experiments.

    There is one, or none if the flow run ended before it made one.
    """
    runs = _runs_of_flow_run(client, _all_experiment_ids(client), flow_run)
    return [run.info.run_id for run in runs]


def unfinished_runs(client: MlflowClient) -> dict[str, str]:
    """The ids of all MLflow runs that have not ended, by their flow run."""
    experiments = _all_experiment_ids(client)
    running = client.search_runs(experiments, "attributes.status = 'RUNNING'")
    scheduled = client.search_runs(experiments, "attributes.status = 'SCHEDULED'")
    return {
        run.data.tags[FLOW_RUN]: run.info.run_id
        for run in (*running, *scheduled)
        if FLOW_RUN in run.data.tags
    }


def _runs_of_flow_run(
    client: MlflowClient, experiment_ids: list[str], flow_run: str
) -> list[MlflowRun]:
    """All runs with this flow run's tag, oldest first."""
    with_tag = f"tags.`{FLOW_RUN}` = '{flow_run}'"
    return list(
        client.search_runs(experiment_ids, with_tag, order_by=["attributes.start_time ASC"])
    )


def _all_experiment_ids(client: MlflowClient) -> list[str]:
    return [experiment.experiment_id for experiment in client.search_experiments()]


def _experiment_id(client: MlflowClient, name: str) -> str:
    """The id of the experiment, which is created if there is none."""
    if experiment := client.get_experiment_by_name(name):
        return str(experiment.experiment_id)
    try:
        return str(client.create_experiment(name))
    except MlflowException as error:
        if error.error_code != ErrorCode.Name(RESOURCE_ALREADY_EXISTS):
            raise
        # another run of this model has created it in the meantime
        return _experiment_id(client, name)
