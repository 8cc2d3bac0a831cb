"""The local stack: MLflow and Prefect side by side, then the runners; ended in the opposite order, with no run left RUNNING.

Everything lies under RATCHET_HOME, which is also the working folder of all children: a user's own `flows/` or `tasks/` is never
on their path. Not here: what `ratchet up` prints (commands/stack.py); what the runners serve (runner.py).
"""

import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import httpx

from configs.errors import RatchetError, UsageError
from configs.reading import model_names, read_models
from configs.settings import Settings
from deployments import processes
from deployments.migration import migrate
from deployments.prefect_api import Prefect
from deployments.processes import Child

Report = Callable[[str], None]

USUAL_PORTS = (5000, 4200)
READY_SECONDS = 180.0
LOW_BYTES = 500_000_000
POLL_SECONDS = 0.25
SERVERS = ("mlflow", "prefect")
RUNNERS = ("training", "promotion")
QUIET = {
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}


@dataclass
class Stack:
    """A running stack: where it answers, and its processes by name."""

    settings: Settings
    ports: dict[str, int]
    children: dict[str, Child] = field(default_factory=dict)
    is_low: bool = False  # on disk space

    @property
    def mlflow_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['mlflow']}"

    @property
    def prefect_url(self) -> str:
        """The API's address; the UI is the same without `/api`."""
        return f"http://127.0.0.1:{self.ports['prefect']}/api"

    def start(self, name: str) -> None:
        self.children[name] = processes.start(
            name, self._command(name), self._environment(), self.settings.home, self.log(name)
        )
        self.write()

    def log(self, name: str) -> Path:
        return self.settings.home / "logs" / f"{name}.log"

    def write(self) -> None:
        """What other commands, and the next `up`, need to know: addresses and processes."""
        record = {
            "mlflow": self.mlflow_url,
            "prefect": self.prefect_url,
            "up": asdict(processes.this_process("up")),
            "children": [asdict(child) for child in self.children.values()],
        }
        partial = self.settings.stack_file.with_suffix(".partial")
        partial.write_text(json.dumps(record, indent=1))
        partial.rename(self.settings.stack_file)

    def wait_for(self, name: str, answers: Callable[[], bool]) -> None:
        """Return once `answers` says yes; RatchetError when the process ended or took too long."""
        deadline = time.monotonic() + READY_SECONDS
        while not _yes(answers):
            if self.children[name].process is None:
                raise processes.died(self.children[name], self.log(name))
            if time.monotonic() > deadline:
                raise RatchetError(
                    f"{name} did not answer within {READY_SECONDS:.0f} s; its log is {self.log(name)}"
                )
            time.sleep(POLL_SECONDS)

    def tend(self) -> Iterator[str]:
        """Logs kept short, and what has ended started again; what is worth telling, in sentences."""
        for name in tuple(self.children):
            processes.rotate(self.log(name))
            if self.children[name].process is None:
                self._start_again(name)
                yield f"{name} had ended and runs again; its log: {self.log(name)}"
        free = shutil.disk_usage(self.settings.home).free
        if free < LOW_BYTES and not self.is_low:
            yield f"only {free / 1e6:.0f} MB are free where {self.settings.home} lies; runs will fail when nothing is left"
        self.is_low = free < LOW_BYTES

    def _start_again(self, name: str) -> None:
        ports = dict(self.ports)
        self.start(name)
        if name in SERVERS:
            self.wait_server(name)
        else:
            self.wait_ready(name)
        if (
            name == "prefect" or self.ports != ports
        ):  # runners do not survive their server's restart in good order
            self.start_runners()

    def wait_server(self, name: str) -> None:
        """Return once the server answers; on another port, where somebody took its own between our choice and its start."""
        try:
            self.wait_ready(name)
        except RatchetError:
            processes.end(self.children[name])
            if _free_port(self.ports[name]) == self.ports[name]:
                raise  # it is not for the port that it does not answer
            self.ports[name] = _free_port(0)
            self.start(name)
            self.wait_ready(name)

    def wait_ready(self, name: str) -> None:
        if name in SERVERS:
            probe = {
                "mlflow": f"{self.mlflow_url}/version",
                "prefect": f"{self.prefect_url}/admin/version",
            }[name]
            self.wait_for(name, lambda: _answers(self.children[name], probe))
        else:
            since = time.time()
            flow = {"training": "train_candidate", "promotion": "promote_candidate"}[name]
            with Prefect(self.settings) as prefect:
                models = model_names(self.settings)
                self.wait_for(
                    name, lambda: all(prefect.polled_since(flow, model, since) for model in models)
                )

    def start_runners(self) -> None:
        """New runners in place of those there are; what those ran has crashed, and the new ones see to it."""
        self._end_runners()
        crash_running(self.settings, "its process is gone")
        with Prefect(self.settings) as prefect:
            prefect.pause_others(model_names(self.settings))
            prefect.skip_late()
        for name in RUNNERS:
            self.start(name)
        for name in RUNNERS:
            self.wait_ready(name)

    def end(self) -> None:
        """Everything gone: runners and their flow runs first, while the servers can still be told what became of those."""
        self._end_runners()
        they_answer = set(SERVERS) <= self.children.keys() and all(
            child.process for child in self.children.values()
        )
        if they_answer and crash_running(self.settings, "ratchet up ended while it ran"):
            self.start("reconciliation")
            processes.wait(self.children["reconciliation"])
        for child in self.children.values():
            processes.end(child)
        self.settings.stack_file.unlink(missing_ok=True)

    def _end_runners(self) -> None:
        for name in RUNNERS:
            if name in self.children:
                processes.end(self.children.pop(name))

    def _command(self, name: str) -> list[str]:
        home = self.settings.home
        if name == "mlflow":
            arguments = [
                "server",
                "--backend-store-uri",
                f"sqlite:///{home / 'mlflow.db'}",
                "--artifacts-destination",
                str(home / "artifacts"),
            ]
            return [
                sys.executable,
                "-m",
                "mlflow",
                *arguments,
                "--serve-artifacts",
                "--workers",
                "1",
                *_address(self.mlflow_url),
            ]
        if name == "prefect":
            return [
                sys.executable,
                "-m",
                "prefect",
                "server",
                "start",
                *_address(self.prefect_url.removesuffix("/api")),
            ]
        if name == "reconciliation":
            return [sys.executable, "-m", "flows.reconciliation"]
        return [sys.executable, "-m", "deployments.runner", name]

    def _environment(self) -> dict[str, str]:
        """Ours on top of the caller's, less what would point the servers elsewhere."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PREFECT_", "MLFLOW_"))
        }
        return {
            **inherited,
            **QUIET,
            **self.settings.environment(),
            "MLFLOW_TRACKING_URI": self.mlflow_url,
            "PREFECT_API_URL": self.prefect_url,
            "PREFECT_HOME": str(self.settings.home / "prefect"),
            "MPLCONFIGDIR": str(
                self.settings.home / "matplotlib"
            ),  # else matplotlib writes into the user's own folders
            "PREFECT_RUNNER_POLL_FREQUENCY": "1",
            "PREFECT_LOGGING_TO_API_BATCH_INTERVAL": "0.5",  # who watches a run sees each step when it is done
            # without it a server restart ends running flows that hold a concurrency slot
            "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # else eight more processes
            "PYTHONSAFEPATH": "1",
        }


@contextmanager
def stack(
    settings: Settings,
    report: Report,
    ports: tuple[int, int] = USUAL_PORTS,
    *,
    runners: bool = True,
) -> Iterator[Stack]:
    """A running stack, ended when the block is left. A port of 0, or one that is taken, becomes a free one.

    `report` is told each fact as it becomes true. UsageError when this home has a running stack already.
    """
    _end_leftovers(settings)
    read_models(settings)
    (settings.home / "logs").mkdir(parents=True, exist_ok=True)
    migrate(settings, report)
    running = Stack(
        settings, {name: _free_port(port) for name, port in zip(SERVERS, ports, strict=True)}
    )
    began = time.monotonic()
    try:
        for name in SERVERS:
            running.start(name)
        for name in SERVERS:
            running.wait_server(name)
            report(
                f"{name:<9} http://127.0.0.1:{running.ports[name]}   ready in {time.monotonic() - began:.0f} s"
            )
        if runners:
            running.start_runners()
        yield running
    finally:
        running.end()


def is_up(settings: Settings) -> bool:
    """Whether a `ratchet up` of this home lives, or the environment names a Prefect server elsewhere."""
    if settings.prefect_api_url:
        return True
    return (
        settings.stack_file.exists()
        and Child(**json.loads(settings.stack_file.read_text())["up"]).process is not None
    )


def end_running(settings: Settings) -> None:
    """The stack of this home gone, in good order, whoever started it; UsageError when none runs."""
    if not settings.stack_file.exists():
        raise UsageError(f"nothing is up in {settings.home}")
    up = Child(**json.loads(settings.stack_file.read_text())["up"])
    if up.process:
        up.process.terminate()
        processes.wait(up)
    _end_leftovers(settings)


def crash_running(settings: Settings, why: str) -> int:
    """How many runs Prefect still took for running, where no process runs them: all of them crashed now."""
    with Prefect(settings) as prefect:
        running = prefect.running()
        for run in running:
            prefect.set_state(run.id, "CRASHED", why)
    return len(running)


def _end_leftovers(settings: Settings) -> None:
    """What an `up` that was killed has left behind ended; UsageError if that `up` still lives."""
    if not settings.stack_file.exists():
        return
    record = json.loads(settings.stack_file.read_text())
    if Child(**record["up"]).process:
        raise UsageError(
            f"this home is up already: mlflow {record['mlflow']}, prefect {record['prefect'].removesuffix('/api')}"
        )
    for child in reversed(record["children"]):
        processes.end(Child(**child))
    settings.stack_file.unlink(missing_ok=True)


def _address(url: str) -> list[str]:
    return ["--host", "127.0.0.1", "--port", url.rpartition(":")[2]]


def _free_port(wanted: int) -> int:
    """The wanted port, or another that is free, when it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # as servers do: one that has just ended does not hold its port
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(server: Child, url: str) -> bool:
    """Whether our own server answers there; RatchetError when it is another one, which took the port while ours was starting."""
    answered = httpx.get(url, trust_env=False).is_success
    if answered and server.process and not processes.listens(server, httpx.URL(url).port or 0):
        raise RatchetError(f"another server took {url} while ours was starting")
    return answered


def _yes(answers: Callable[[], bool]) -> bool:
    try:
        return answers()
    except httpx.TransportError:
        return False  # it does not answer yet
