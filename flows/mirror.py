"""The outcome of each flow run, shown by its MLflow run: hooks that Prefect calls when a run ends.

After a crash the hook runs in the runner's process, so that even kill -9 of the flow leaves no
MLflow run open. Where no hook was called (the server cancelled the run, a machine failed),
reconciliation.py calls `end_open_runs` later.
"""

from typing import Any

from mlflow import MlflowClient
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Crashed

from configs.settings import Settings
from flows.runs import find_flow_run
from tasks.tracking import runs
from tasks.tracking.server import connect


def end_mlflow_run(
    flow: Any,  # noqa: ARG001 Prefect passes it
    flow_run: FlowRun,
    state: State[Any],
) -> None:
    """End the MLflow run the way its flow run ended, if it has one."""
    client = connect(Settings())
    for run_id in runs.find_run_ids(client, str(flow_run.id)):
        _end_as(client, run_id, state)


def end_open_runs(client: MlflowClient) -> None:
    """End every open MLflow run whose flow run is over or was deleted."""
    with get_client(sync_client=True) as prefect:
        for flow_run_id, run_id in runs.unfinished_runs(client).items():
            flow_run = find_flow_run(prefect, flow_run_id)
            state = flow_run.state if flow_run else Crashed(name="Deleted")
            if state and state.is_final():
                _end_as(client, run_id, state)


def _end_as(client: MlflowClient, run_id: str, state: State[Any]) -> None:
    state_type = state.type.value
    runs.end_run(client, run_id, runs.ENDINGS[state_type], state.name or state_type)


HOOKS: dict[str, Any] = {
    "on_completion": [end_mlflow_run],
    "on_failure": [end_mlflow_run],
    "on_crashed": [end_mlflow_run],
    "on_cancellation": [end_mlflow_run],
}
