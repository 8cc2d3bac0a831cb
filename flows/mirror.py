"""Each flow run's outcome in its MLflow run: hooks that Prefect calls when a flow run ends, in whichever way.

A crash is mirrored from the runner's process, so that kill -9 of the flow's own leaves no run open.
"""

from typing import Any

from prefect.client.schemas.objects import FlowRun, State, StateType

from configs.settings import Settings
from tasks.tracking import runs
from tasks.tracking.runs import Ending
from tasks.tracking.server import connect

ENDINGS: dict[StateType, Ending] = {
    StateType.COMPLETED: "FINISHED",
    StateType.FAILED: "FAILED",
    StateType.CRASHED: "FAILED",
    StateType.CANCELLED: "KILLED",
}


def mirror(flow: Any, flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001 Prefect calls hooks by these names
    """The flow run's MLflow run ended as the flow run did; nothing where it made none."""
    client = connect(Settings())
    run_id = runs.open_runs(client).get(str(flow_run.id))
    if run_id and state.type in ENDINGS:
        runs.end_run(client, run_id, ENDINGS[state.type], state.name or state.type.value)


HOOKS: dict[str, Any] = {
    "on_completion": [mirror],
    "on_failure": [mirror],
    "on_crashed": [mirror],
    "on_cancellation": [mirror],
}
