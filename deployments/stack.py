"""The local stack: MLflow and Prefect, then the runners; ended in the opposite order.

Everything lies under RATCHET_HOME, which is also the working folder of all processes.
Not here: their command lines (launch.py); when they are ready (readiness.py); the record of what
runs (running_stack.py); what `ratchet up` prints (commands/stack.py); what runners serve
(runner.py).
"""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from configs.errors import RatchetError, Unreachable
from configs.reading import model_names
from configs.settings import Settings
from deployments import launch, processes, readiness, running_stack
from deployments.migration import migrate
from deployments.prefect_api import Prefect
from deployments.processes import Child
from deployments.readiness import free_port
from deployments.running_stack import end_running as end_running
from deployments.running_stack import is_up as is_up

Report = Callable[[str], None]

READY_SECONDS = 180.0
LOW_BYTES = 500_000_000
POLL_SECONDS = 0.25
SERVERS = ("mlflow", "prefect")
RUNNERS = {"training": "train_candidate", "promotion": "promote_candidate"}
# a runner whose registration Prefect answered too late, or not at all, ends and is started again
RUNNER_RESTARTS = 2


@dataclass
class Stack:
    """A running stack: where it answers, and its processes by name."""

    settings: Settings
    ports: dict[str, int]
    children: dict[str, Child] = field(default_factory=dict)
    is_low_on_disk: bool = False

    @property
    def mlflow_url(self) -> str:
        return self._url_of("mlflow")

    @property
    def prefect_url(self) -> str:
        """The API's address; the UI is the same without `/api`."""
        return f"{self._url_of('prefect')}/api"

    def log(self, name: str) -> Path:
        return self.settings.home / "logs" / f"{name}.log"

    def start(self, name: str) -> None:
        """Start the process of that name and record it; it is not ready yet."""
        self.children[name] = processes.start(
            name,
            launch.command_of(name, self.settings, self.ports),
            launch.environment_of(self.settings, self.mlflow_url, self.prefect_url),
            self.settings.home,
            self.log(name),
        )
        running_stack.write(
            self.settings, self.mlflow_url, self.prefect_url, self.children.values()
        )

    def wait_server(self, name: str) -> None:
        """Return once the server answers, on another port if somebody took its own meanwhile."""
        try:
            self._wait_for(name, lambda: self._serves(name))
        except RatchetError:
            processes.end(self.children[name])
            if free_port(self.ports[name]) == self.ports[name]:
                # its port is free, so the port is not why it does not answer
                raise
            self.ports[name] = free_port(0)
            self.start(name)
            self._wait_for(name, lambda: self._serves(name))
        running_stack.keep_ports(self.settings, self.ports)

    def start_runners(self) -> None:
        """Replace the runners; what the old ones ran has crashed, and the new ones see to it."""
        self._end_runners()
        self._wait_for("prefect", self._tidies)
        for name in RUNNERS:
            self.start(name)
        for name in RUNNERS:
            self._wait_runner(name)

    def tend(self) -> Iterator[str]:
        """Restart what has ended and keep logs short; yields a sentence for each thing to tell."""
        for name in tuple(self.children):
            processes.rotate(self.log(name))
            if self.children[name].process is None:
                self._restart(name)
                yield f"{name} had ended and runs again; its log: {self.log(name)}"
        yield from self._warn_of_low_disk()

    def end(self) -> None:
        """Stop everything: runners first, while the servers can still be told what they ran."""
        try:
            self._end_runners()
            self._crash_what_ran()
        finally:
            for child in self.children.values():
                processes.end(child)
            running_stack.forget(self.settings)

    def _url_of(self, server: str) -> str:
        return f"http://127.0.0.1:{self.ports[server]}"

    def _serves(self, server: str) -> bool:
        return readiness.serves(self.children[server], self.ports[server])

    def _wait_for(self, name: str, is_ready: Callable[[], bool], restarts: int = 0) -> None:
        """Return once the process is ready; RatchetError when it ended too often or is too slow."""
        deadline = time.monotonic() + READY_SECONDS
        while not readiness.holds(is_ready):
            if self.children[name].process is None:
                if restarts == 0:
                    raise processes.died(self.children[name], self.log(name))
                restarts -= 1
                self.start(name)
            if time.monotonic() > deadline:
                raise RatchetError(
                    f"{name} did not answer within {READY_SECONDS:.0f} s; "
                    f"its log is {self.log(name)}"
                )
            time.sleep(POLL_SECONDS)

    def _tidies(self) -> bool:
        """Bring Prefect's runs and schedules up to date with the models that exist now."""
        crash_running(self.settings, "its process is gone")
        with Prefect(self.settings) as prefect:
            prefect.pause_others(model_names(self.settings))
            prefect.skip_late()
        return True

    def _wait_runner(self, name: str) -> None:
        """Return once the runner has asked Prefect for the due runs of every model."""
        since = time.time()
        self._wait_for(
            name,
            lambda: readiness.has_polled(self.settings, RUNNERS[name], since),
            RUNNER_RESTARTS,
        )

    def _restart(self, name: str) -> None:
        ports_before = dict(self.ports)
        self.start(name)
        if name in RUNNERS:
            self._wait_runner(name)
            return
        self.wait_server(name)
        if name == "prefect" or self.ports != ports_before:
            # runners do not survive their server's restart in good order
            self.start_runners()

    def _warn_of_low_disk(self) -> Iterator[str]:
        free = shutil.disk_usage(self.settings.home).free
        was_low, self.is_low_on_disk = self.is_low_on_disk, free < LOW_BYTES
        if self.is_low_on_disk and not was_low:
            yield (
                f"only {free / 1e6:.0f} MB are free on the disk of {self.settings.home}; "
                "runs will fail when it is full"
            )

    def _end_runners(self) -> None:
        for name in RUNNERS:
            if name in self.children:
                processes.end(self.children.pop(name))

    def _crash_what_ran(self) -> None:
        """Tell Prefect and MLflow that what still ran has crashed, if the servers still live."""
        servers = [self.children.get(name) for name in SERVERS]
        if not all(server and server.process for server in servers):
            return
        try:
            crashed = crash_running(self.settings, "ratchet up ended while it ran")
        except Unreachable:
            # the next `ratchet up` tells it
            return
        if crashed:
            self.start("reconciliation")
            processes.wait(self.children["reconciliation"])


@contextmanager
def stack(settings: Settings, report: Report, *, runners: bool = True) -> Iterator[Stack]:
    """A running stack, ended when the block is left; a port that is taken becomes a free one.

    `report` is told each fact as it becomes true. UsageError when this home is up already.
    """
    running_stack.end_leftovers(settings)
    (settings.home / "logs").mkdir(parents=True, exist_ok=True)
    migrate(settings, report)
    wanted = running_stack.wanted_ports(settings)
    running = Stack(settings, {name: free_port(port) for name, port in wanted.items()})
    try:
        _start_servers(running, report)
        if runners:
            running.start_runners()
        yield running
    finally:
        running.end()


def crash_running(settings: Settings, reason: str) -> int:
    """Mark every run that Prefect takes for running as crashed; how many there were.

    For a home of which no runner lives: no process runs them.
    """
    with Prefect(settings) as prefect:
        running = prefect.running()
        for run in running:
            prefect.set_state(run.id, "CRASHED", reason)
    return len(running)


def _start_servers(running: Stack, report: Report) -> None:
    began = time.monotonic()
    for name in SERVERS:
        running.start(name)
    for name in SERVERS:
        running.wait_server(name)
        seconds = time.monotonic() - began
        report(f"{name:<9} http://127.0.0.1:{running.ports[name]}   ready in {seconds:.0f} s")
