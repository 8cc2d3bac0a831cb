"""The process that starts flow runs: it serves the deployments of every model's flows.

    python -m deployments.runner training

Two such processes run, one for training and one for promotion: trainings that queue must not delay
an approved promotion. A model whose YAML is added or changed meanwhile is served without a restart.
Each minute the promotion runner also repairs what no flow run repairs: late runs, and whatever the
systems disagree on.
Not here: the servers, and who keeps this process alive (stack.py); what the flows do (flows/).
"""

import asyncio
import logging
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from prefect import Flow
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import TerminationSignal
from prefect.runner import Runner
from prefect.schedules import Cron
from prefect.types.entrypoint import EntrypointType
from prefect.utilities.annotations import freeze

from configs.model import ModelConfig
from configs.schedule import Schedule
from configs.settings import Settings
from deployments.model_watch import ModelFiles
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
SERVE_INTERVAL_SECONDS = 2.0

LOG = logging.getLogger(__name__)


def main(kind: str) -> None:
    """Serve the flows of this kind, a key of `FLOWS`, for every model, until the process ends.

    A work pool will replace this function.
    """
    runner = Runner(pause_on_shutdown=False, limit=MOST_CONCURRENT_RUNS[kind])
    served = ServedModels(runner, FLOWS[kind], Settings())
    served.update()
    _repeat(served.update, SERVE_INTERVAL_SECONDS)
    if kind == "promotion":
        _repeat(repair, REPAIR_INTERVAL_SECONDS)
    try:
        asyncio.run(runner.start())
    except (KeyboardInterrupt, TerminationSignal):
        LOG.info("stopped")


class ServedModels:
    """The models whose flows a runner starts: those that can be read, as their YAMLs say."""

    def __init__(
        self, runner: Runner, flows: tuple[Flow[..., Any], ...], settings: Settings
    ) -> None:
        self._runner, self._flows, self._settings = runner, flows, settings
        self._files = ModelFiles(settings)
        self._configs: dict[str, ModelConfig] = {}

    def update(self) -> None:
        """Serve what is new or has changed, and pause what is gone; a broken model stays as it is.

        Deployments that Prefect did not accept are sent again by the next call.
        """
        models = self._files.read()
        for config in models.configs:
            if self._configs.get(config.name) != config:
                for flow in self._flows:
                    self._runner.add_deployment(deployment(flow, config))
                self._configs[config.name] = config
        for name in self._configs.keys() - {*models.names, *models.broken}:
            with Prefect(self._settings) as prefect:
                prefect.pause(name)
            del self._configs[name]


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


def repair() -> None:
    """Skip late runs, and reconcile the systems."""
    settings = Settings()
    with Prefect(settings) as prefect:
        prefect.skip_late()
    reconcile(settings)


def _repeat(act: Callable[[], None], interval_seconds: float) -> None:
    """Act in a thread of its own, again and again until the process ends, whatever it raises."""

    def act_on() -> None:
        while True:
            try:
                act()
            except Exception:
                LOG.exception("%s failed; trying again", act.__name__)
            time.sleep(interval_seconds)

    threading.Thread(target=act_on, name=act.__name__, daemon=True).start()


if __name__ == "__main__":
    main(sys.argv[1])
