"""A real MLflow and a real Prefect for the tests of one worker process: started once, when the first test asks."""

from collections.abc import Iterator
from unittest.mock import patch

import pytest

from configs.settings import Settings
from deployments.stack import Stack, stack


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The servers, without runners, on free ports over a home of their own; Prefect's client in this process speaks to them."""
    home = tmp_path_factory.mktemp("servers")
    settings = Settings(ratchet_home=home, ratchet_models=home)
    with stack(settings, lambda _: None, ports=(0, 0), runners=False) as running:
        from prefect.events.worker import EventsWorker
        from prefect.flow_engine import BaseFlowRunEngine
        from prefect.logging.handlers import APILogWorker
        from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings

        # a flow run's heartbeat is waited for at its end, up to a second, and nothing here listens to it
        with (
            temporary_settings(
                {PREFECT_API_URL: running.prefect_url, PREFECT_HOME: home / "client"}
            ),
            patch.object(BaseFlowRunEngine, "heartbeat_seconds", None),
        ):
            yield running
            for worker in (
                APILogWorker,
                EventsWorker,
            ):  # once the server is gone, what is left to send is tried for a minute
                worker.drain_all(timeout=10)
