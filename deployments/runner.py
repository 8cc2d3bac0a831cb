"""The process that starts flow runs: every model's deployments of its flows, served. `python -m deployments.runner training`.

Two such processes run, one for training and one for promotion: trainings that queue must not hold up an approved promotion.
The promotion one also looks after what no run does, each minute: late runs, and what the systems disagree on.
Not here: the servers and who keeps this process alive (stack.py); what the flows do (flows/).
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
from configs.settings import Settings
from deployments.prefect_api import Prefect
from flows.promotion import promote_candidate
from flows.reconciliation import reconcile
from flows.rollback import move_reference, roll_back
from flows.training import train_candidate

FLOWS: dict[str, tuple[Flow[..., Any], ...]] = {
    "training": (train_candidate,),
    "promotion": (promote_candidate, roll_back, move_reference),
}
MINUTE = 60.0
LOG = logging.getLogger(__name__)
AT_ONCE = {
    "training": 1,
    "promotion": 5,
}  # a training takes all cores; a promotion mostly waits for servers


def deployment(flow: Flow[..., Any], config: ModelConfig) -> RunnerDeployment:
    """The model's deployment of one flow; its model cannot be changed by who starts a run."""
    schedule = config.schedule if flow is train_candidate else None
    return flow.to_deployment(  # type: ignore[return-value] # a coroutine only where a loop runs
        name=config.name,
        parameters={"model": freeze(config.name)},
        schedule=Cron(schedule.cron, timezone=schedule.timezone) if schedule else None,
        description=f"{config.description}. Owner: {config.owner}.",
        tags=[config.name],
        entrypoint_type=EntrypointType.MODULE_PATH,
    )


def serve_deployments(deployments: Sequence[RunnerDeployment], at_once: int) -> None:
    """Start runs of these deployments as they fall due, until the process ends. A work pool will take the place of this."""
    serve(*deployments, limit=at_once, pause_on_shutdown=False)


def look_after_each_minute() -> None:
    """Until the process ends: what fails now, whatever it is, is tried again in a minute."""
    while True:
        try:
            settings = Settings()
            with Prefect(settings) as prefect:
                prefect.skip_late()
            reconcile(settings)
        except Exception:
            LOG.exception("not all is well yet")
        time.sleep(MINUTE)


def main(kind: str) -> None:
    if kind == "promotion":
        threading.Thread(target=look_after_each_minute, name="looking after", daemon=True).start()
    serve_deployments(
        [deployment(flow, config) for flow in FLOWS[kind] for config in read_models(Settings())],
        AT_ONCE[kind],
    )


if __name__ == "__main__":
    main(sys.argv[1])
