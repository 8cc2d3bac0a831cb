"""Each flow run's outcome in its MLflow run: hooks that Prefect calls when a flow run ends, in whichever way.

A crash is mirrored from the runner's process, so that kill -9 of the flow's own leaves no run open. What no hook was called for (the
server cancelled it, a machine went dark) is found afterwards.
"""

from typing import Any
from uuid import UUID

from mlflow import MlflowClient
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import ObjectNotFound
from prefect.states import Crashed

from configs.settings import Settings
from tasks.tracking import runs
from tasks.tracking.server import connect


def mirror(flow: Any, flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001 Prefect calls hooks by these names
    """The flow run's MLflow run ended as the flow run did; nothing where it made none."""
    client = connect(Settings())
    for run_id in runs.find_everywhere(client, str(flow_run.id)):
        end_as(client, run_id, state)


def mirror_ended(client: MlflowClient) -> None:
    """Every MLflow run that is still open ended, if its flow run is over or was deleted."""
    with get_client(sync_client=True) as prefect:
        for flow_run, run_id in runs.open_runs(client).items():
            found = find_flow_run(prefect, flow_run)
            state = found.state if found else Crashed(name="Deleted")
            if state and state.is_final():
                end_as(client, run_id, state)


def find_flow_run(prefect: SyncPrefectClient, flow_run: str) -> FlowRun | None:
    """The flow run, or None where it was deleted."""
    try:
        return prefect.read_flow_run(UUID(flow_run))
    except ObjectNotFound:
        return None


def end_as(client: MlflowClient, run_id: str, state: State[Any]) -> None:
    runs.end_run(client, run_id, runs.ENDINGS[state.type.value], state.name or state.type.value)


HOOKS: dict[str, Any] = {
    "on_completion": [mirror],
    "on_failure": [mirror],
    "on_crashed": [mirror],
    "on_cancellation": [mirror],
}
