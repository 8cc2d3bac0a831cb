"""The folder of a user who types commands, for the tests of the real path, with runners.

One folder serves all of them, since starting the whole stack is what takes longest: a test begins
with `ensure_up`, and finds what others have left.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil

from tasks.release.ledger import Event, Ledger
from tests.conftest import TINY_HOOKS, TINY_YAML, write_days

RATCHET = [sys.executable, "-m", "deployments.commands"]
# of what takes ten on a quiet machine
DEADLINE_SECONDS = 300
SCHEDULE = 'schedule: {cron: "0 3 * * *", timezone: Europe/Paris}\n'


class UserHome:
    """A user's folder with `flows/`, `tasks/` and `configs/` of its own, and the model tiny."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # Python warns of a Popen that is collected while its process lives
        self._begun: list[subprocess.Popen[bytes]] = []
        self.home = folder / ".ratchet"
        for name in ("flows", "tasks", "configs"):
            (folder / name).mkdir()
            (folder / name / "__init__.py").write_text(
                "raise ImportError('this is the package of the user')\n"
            )
        (folder / "models").mkdir()
        self.hooks = folder / "models" / "tiny.py"
        self.hooks.write_text(TINY_HOOKS)
        asking = TINY_YAML.replace("ask: manual", "ask: on_candidate")
        (folder / "models" / "tiny.yaml").write_text(asking + SCHEDULE)
        # a neighbour whose YAML is broken keeps tiny from nothing
        (folder / "models" / "broken.yaml").write_text("name: broken\nname: twice\n")
        write_days(self.home / "data" / "days")
        self.environment = _without_settings() | {
            "RATCHET_MODELS": "models",
            "RATCHET_MLFLOW_PORT": "0",
            "RATCHET_PREFECT_PORT": "0",
            "PYTHONSAFEPATH": "1",
        }

    def begin(self, *arguments: str) -> subprocess.Popen[bytes]:
        """A running command, whose output goes to `<command>.log`."""
        with self.log(arguments[0]).open("w") as output:
            process = subprocess.Popen(
                [*RATCHET, *arguments],
                cwd=self.folder,
                env=self.environment,
                stdout=output,
                stderr=output,
            )
        self._begun.append(process)
        return process

    def log(self, command: str) -> Path:
        return self.folder / f"{command}.log"

    def up(self) -> subprocess.Popen[bytes]:
        """A running `ratchet up`, once it serves."""
        process = self.begin("up")
        log = self.log("up")
        await_that(lambda: "Serving" in log.read_text() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        return process

    def ensure_up(self) -> None:
        """Let a stack run in this home, whoever has started it."""
        if not self.is_up:
            self.output_of("up", "--detach")

    @property
    def is_up(self) -> bool:
        return (self.home / "stack.json").exists()

    def ratchet(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*RATCHET, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
        )

    def output_of(self, *arguments: str) -> str:
        """What a command prints that succeeds."""
        done = self.ratchet(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @property
    def prefect_url(self) -> str:
        """The API's address; the UI is the same without `/api`."""
        return str(self._addresses["prefect"])

    @property
    def mlflow_url(self) -> str:
        return str(self._addresses["mlflow"])

    def events(self) -> tuple[Event, ...]:
        return Ledger(f"sqlite:///{self.home / 'ledger.db'}").events("tiny")

    def count_runs(self, state_type: str) -> int:
        """How many flow runs are in a state of this type."""
        body = {"flow_runs": {"state": {"type": {"any_": [state_type]}}}}
        return int(self.post_prefect("flow_runs/count", body))

    def post_prefect(self, path: str, body: dict[str, Any]) -> Any:
        return httpx.post(f"{self.prefect_url}/{path}", json=body).json()

    def mlflow_statuses(self) -> list[str]:
        """Of each MLflow run its status, newest first."""
        found = self._post_mlflow("experiments/search", {"max_results": 100})
        ids = [experiment["experiment_id"] for experiment in found.get("experiments", [])]
        runs = self._post_mlflow("runs/search", {"experiment_ids": ids}).get("runs", [])
        return [run["info"]["status"] for run in runs]

    def processes(self) -> list[psutil.Process]:
        """Every process that works on this home."""
        return [
            process
            for process in psutil.process_iter()
            if str(self.folder) in _command_and_folder(process)
        ]

    def end(self) -> None:
        """Kill what still works on this home."""
        for process in self.processes():
            process.kill()
        for begun in self._begun:
            begun.wait()

    @property
    def _addresses(self) -> dict[str, Any]:
        addresses: dict[str, Any] = json.loads((self.home / "stack.json").read_text())
        return addresses

    def _post_mlflow(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = httpx.post(
            f"{self.mlflow_url}/api/2.0/mlflow/{path}", json=body
        ).json()
        return answer


def await_that(holds: Callable[[], bool]) -> None:
    """Return once it holds; fail after the deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.3)


def _without_settings() -> dict[str, str]:
    """The environment without what the user or another test has set."""
    settings = ("RATCHET_", "PREFECT_", "MLFLOW_")
    return {name: value for name, value in os.environ.items() if not name.startswith(settings)}


def _command_and_folder(process: psutil.Process) -> str:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return ""
        return f"{process.cmdline()} {process.cwd()}"
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return ""
