"""One real MLflow and one real Prefect for all tests of a run, in whichever worker process.

The worker whose test asks first starts them, and ends them when no worker uses them any more.
Not here: a whole `ratchet up`, with runners (user_home.py).
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from unittest.mock import patch

import httpx
import pytest

from configs.settings import Settings
from deployments import running_stack
from deployments.running_stack import RunningStack
from deployments.stack import Stack, stack


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The servers, without runners; Prefect's client in this process speaks to them."""
    own_folder = tmp_path_factory.getbasetemp()
    run_folder = own_folder.parent if "PYTEST_XDIST_WORKER" in os.environ else own_folder
    with _shared_servers(run_folder) as running, _client_of(running, own_folder / "client"):
        yield running


@contextmanager
def _shared_servers(folder: Path) -> Iterator[Stack]:
    """The servers whose home is in this folder, started here unless another process has."""
    home = folder / "servers"
    settings = Settings(
        ratchet_home=home, ratchet_models=home, ratchet_mlflow_port=0, ratchet_prefect_port=0
    )
    # each user holds a shared lock, which the kernel takes back from a process that dies
    with (folder / "servers.start").open("w") as start, (folder / "servers.use").open("w") as use:
        fcntl.flock(start, fcntl.LOCK_EX)
        fcntl.flock(use, fcntl.LOCK_SH)
        if recorded := running_stack.read(settings):
            fcntl.flock(start, fcntl.LOCK_UN)
            yield Stack(settings, _recorded_ports(recorded))
            return
        home.mkdir(exist_ok=True)
        with stack(settings, lambda _: None, runners=False) as running:
            fcntl.flock(start, fcntl.LOCK_UN)
            yield running
            _await_last_user(start, use)


def _await_last_user(start: IO[str], use: IO[str]) -> None:
    """Return once no other process uses the servers, and keep others from beginning to."""
    fcntl.flock(start, fcntl.LOCK_EX)
    fcntl.flock(use, fcntl.LOCK_EX)


def _recorded_ports(recorded: RunningStack) -> dict[str, int]:
    urls = {"mlflow": httpx.URL(recorded.mlflow), "prefect": httpx.URL(recorded.prefect)}
    return {name: url.port or 0 for name, url in urls.items()}


@contextmanager
def _client_of(running: Stack, prefect_home: Path) -> Iterator[None]:
    """Prefect's client in this process speaks to these servers inside the block."""
    from prefect.events.worker import EventsWorker
    from prefect.flow_engine import BaseFlowRunEngine
    from prefect.logging.handlers import APILogWorker
    from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings

    addresses = {PREFECT_API_URL: running.prefect_url, PREFECT_HOME: prefect_home}
    # at its end a flow run waits up to a second for its heartbeat, which nothing here listens to
    without_heartbeat = patch.object(BaseFlowRunEngine, "heartbeat_seconds", None)
    with temporary_settings(addresses), without_heartbeat:
        yield
        # once the servers are gone, sending what is left would be tried for a minute
        for worker in (APILogWorker, EventsWorker):
            worker.drain_all(timeout=10)
