"""The process that starts flow runs: it serves the deployments of every model's flows.

    python -m deployments.runner training

Two such processes run, one for training and one for promotion: trainings that queue must not delay
an approved promotion. Each minute the promotion runner also repairs what no flow run repairs: late
runs, and whatever the systems disagree on.
Not here: the servers, and who keeps this process alive (stack.py); what the flows do (flows/).
"""

import logging
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from prefect import Flow, serve
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron
from prefect.types.entrypoint import EntrypointType
from prefect.utilities.annotations import freeze

from configs.model import ModelConfig
from configs.reading import read_models
from configs.schedule import Schedule
from configs.settings import Settings
from deployments.prefect_api import Prefect
from flows.promotion import promote_candidate
from flows.reconciliation import reconcile
from flows.rollback import move_reference, roll_back
from flows.scoring import score_batch
from flows.training import train_candidate

FLOWS: dict[str, tuple[Flow[..., Any], ...]] = {
    "training": (train_candidate, score_batch),
    "promotion": (promote_candidate, roll_back, move_reference),
}
# training and scoring use every core; a promotion mostly waits for servers
MOST_CONCURRENT_RUNS = {"training": 1, "promotion": 5}
REPAIR_INTERVAL_SECONDS = 60.0

LOG = logging.getLogger(__name__)


def main(kind: str) -> None:
    """Serve the flows of this kind, a key of `FLOWS`, for every model."""
    if kind == "promotion":
        threading.Thread(target=repair_each_minute, name="repair", daemon=True).start()
    configs = read_models(Settings()).configs
    deployments = [deployment(flow, config) for flow in FLOWS[kind] for config in configs]
    serve_deployments(deployments, MOST_CONCURRENT_RUNS[kind])


def deployment(flow: Flow[..., Any], config: ModelConfig) -> RunnerDeployment:
    """The model's deployment of one flow; whoever starts a run cannot change its model."""
    schedule = _schedule_of(flow, config)
    # its type allows for a coroutine, which it returns only inside an event loop
    return flow.to_deployment(  # type: ignore[return-value]
        name=config.name,
        parameters={"model": freeze(config.name)},
        schedule=Cron(schedule.cron, timezone=schedule.timezone) if schedule else None,
        description=f"{config.description}. Owner: {config.owner}.",
        tags=[config.name],
        entrypoint_type=EntrypointType.MODULE_PATH,
    )


def _schedule_of(flow: Flow[..., Any], config: ModelConfig) -> Schedule | None:
    if flow is train_candidate:
        return config.schedule
    return config.scoring.schedule if flow is score_batch and config.scoring else None


def serve_deployments(deployments: Sequence[RunnerDeployment], most_concurrent_runs: int) -> None:
    """Start runs of these deployments as they fall due, until the process ends.

    A work pool will replace this function.
    """
    serve(*deployments, limit=most_concurrent_runs, pause_on_shutdown=False)


def repair_each_minute() -> None:
    """Skip late runs and reconcile the systems until the process ends; retry whatever fails."""
    while True:
        try:
            settings = Settings()
            with Prefect(settings) as prefect:
                prefect.skip_late()
            reconcile(settings)
        except Exception:
            LOG.exception("the repair failed; trying again in a minute")
        time.sleep(REPAIR_INTERVAL_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1])
