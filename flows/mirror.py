"""Each flow run's outcome in its MLflow run: hooks that Prefect calls when a flow run ends, in whichever way.

A crash is mirrored from the runner's process, so that kill -9 of the flow's own leaves no run open.
"""

from typing import Any

from prefect.client.schemas.objects import FlowRun, State

from configs.settings import Settings
from tasks.tracking import runs
from tasks.tracking.server import connect


def mirror(flow: Any, flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001 Prefect calls hooks by these names
    """The flow run's MLflow run ended as the flow run did; nothing where it made none."""
    client = connect(Settings())
    run_id = runs.open_runs(client).get(str(flow_run.id))
    if run_id:
        runs.end_run(client, run_id, runs.ENDINGS[state.type.value], state.name or state.type.value)


HOOKS: dict[str, Any] = {
    "on_completion": [mirror],
    "on_failure": [mirror],
    "on_crashed": [mirror],
    "on_cancellation": [mirror],
}
