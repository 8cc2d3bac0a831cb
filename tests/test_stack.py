"""The real path: `ratchet up` in a user's folder, runs started and answered by commands, and nothing left behind."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from configs.settings import Settings
from deployments.stack import Stack
from tests.conftest import TINY_HOOKS, TINY_YAML, write_days

RATCHET = [sys.executable, "-m", "deployments.commands"]

DEADLINE_SECONDS = 300  # of what takes ten on a quiet machine


class Home:
    """A user's folder with `flows/`, `tasks/` and `configs/` of its own, in which commands are typed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("flows", "tasks", "configs"):
            (folder / name).mkdir()
            (folder / name / "__init__.py").write_text(
                "raise ImportError('this is the package of the user')\n"
            )
        (folder / "models").mkdir()
        schedule = 'schedule: {cron: "0 3 * * *", timezone: Europe/Paris}\n'
        (folder / "models" / "tiny.yaml").write_text(
            TINY_YAML.replace("ask: manual", "ask: on_candidate") + schedule
        )
        (folder / "models" / "tiny.py").write_text(TINY_HOOKS)
        write_days(folder / ".ratchet" / "data" / "days")
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("RATCHET_", "PREFECT_", "MLFLOW_"))
        }
        self.environment = clean | {"RATCHET_MODELS": "models", "PYTHONSAFEPATH": "1"}

    def up(self) -> subprocess.Popen[bytes]:
        """A running `ratchet up`, once it serves."""
        log = self.folder / "up.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [*RATCHET, "up"],
                cwd=self.folder,
                env=self.environment,
                stdout=output,
                stderr=output,
            )
        await_that(lambda: "Serving" in log.read_text() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        return process

    def ratchet(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*RATCHET, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
        )

    def said(self, *arguments: str) -> str:
        done = self.ratchet(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @property
    def record(self) -> dict[str, object]:
        record: dict[str, object] = json.loads(
            (self.folder / ".ratchet" / "stack.json").read_text()
        )
        return record

    def family(self) -> list[psutil.Process]:
        """Every process that works on this home."""
        mine = str(self.folder)
        return [
            process for process in psutil.process_iter() if mine in _command_and_folder(process)
        ]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path)
    yield home
    for process in home.family():
        process.kill()


def test_from_a_folder_with_packages_of_the_same_names_a_candidate_becomes_the_champion(
    home: Home,
) -> None:
    up = home.up()
    day = home.folder / ".ratchet" / "data" / "days" / "2026-01-05.parquet"
    good = day.read_bytes()
    shutil.copy(day.with_name("2026-01-04.parquet"), day)
    refused = home.ratchet("train", "tiny")
    assert refused.returncode == 3, refused.stderr
    assert "structure-key-unique" in refused.stderr
    assert "Nothing was trained, nothing registered." in refused.stderr
    day.write_bytes(good)

    trained = home.said("train", "tiny")
    assert "register   version 1" in trained
    assert "version 1 of tiny is a candidate" in trained
    await_that(lambda: _runs(home, "PAUSED") == 1)
    assert "an approval of 1" in home.said("status")
    assert "PASS" in home.said("show", "tiny")

    scheduled = httpx.post(
        f"{home.record['prefect']}/flow_runs/filter",
        json={"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}},
    )
    assert {run["auto_scheduled"] for run in scheduled.json()} == {
        True
    }  # the pins hold: Prefect's scheduler makes runs
    again = home.ratchet("up")
    assert (again.returncode, "is up already" in again.stderr) == (2, True)

    up.send_signal(signal.SIGTERM)
    assert up.wait(timeout=DEADLINE_SECONDS) == 0
    assert home.family() == []
    assert not (home.folder / ".ratchet" / "stack.json").exists()
    assert "an approval of 1" in home.said("status")  # the ledger needs no servers

    started = home.said("up", "--detach")  # and the request has survived a restart of everything
    assert "Serving." in started
    assert re.search(r"tiny \(0 3 \* \* \* Europe/Paris, next \d{4}-\d\d-\d\d 03:00\)", started)
    approved = home.said("approve", "tiny", "1", "--reason", "as tests do", "--as", "release lead")
    assert "tiny 1 became the champion, by release lead (declared)" in approved
    assert "release lead" in home.said("history", "tiny")
    refused = home.ratchet("approve", "tiny", "1", "--reason", "once more")
    assert (refused.returncode, "nothing is" in refused.stderr) == (2, True)
    assert home.said("down") == "Stopped.\n"
    assert home.family() == []
    nothing = home.ratchet("down")
    assert (nothing.returncode, "nothing is up" in nothing.stderr) == (2, True)


def test_killed_in_the_middle_of_a_run_the_next_up_leaves_no_orphan_and_nothing_running(
    home: Home,
) -> None:
    up = home.up()
    hooks = home.folder / "models" / "tiny.py"
    hooks.write_text(
        f"import time\n{TINY_HOOKS}".replace("return raw", "time.sleep(600)\n    return raw")
    )
    training = subprocess.Popen([*RATCHET, "train", "tiny"], cwd=home.folder, env=home.environment)
    await_that(lambda: _runs(home, "RUNNING") == 1)
    await_that(lambda: _mlflow_statuses(home) == ["RUNNING"])
    before = {process.pid for process in home.family()}
    up.kill()
    up.wait()
    training.kill()
    training.wait()

    again = home.up()
    assert {process.pid for process in home.family()}.isdisjoint(before)
    assert _runs(home, "RUNNING") == 0
    await_that(lambda: _mlflow_statuses(home) == ["FAILED"])
    again.send_signal(signal.SIGINT)
    assert again.wait(timeout=DEADLINE_SECONDS) == 0
    assert home.family() == []


def test_a_server_whose_port_was_taken_while_it_started_moves_to_another(
    settings: Settings,
) -> None:
    (settings.home / "logs").mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        taken = somebody.getsockname()[1]
        running = Stack(settings, {"mlflow": taken, "prefect": 0})
        try:
            running.start("mlflow")
            running.wait_server("mlflow")
            assert running.ports["mlflow"] != taken
            assert httpx.get(f"{running.mlflow_url}/version").is_success
        finally:
            running.end()


def await_that(holds: Callable[[], bool]) -> None:
    """Return once it holds; fail after the deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.3)


def _command_and_folder(process: psutil.Process) -> str:
    try:
        return (
            f"{process.cmdline()} {process.cwd()}"
            if process.status() != psutil.STATUS_ZOMBIE
            else ""
        )
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return ""


def _runs(home: Home, state: str) -> int:
    body = {"flow_runs": {"state": {"type": {"any_": [state]}}}}
    return int(httpx.post(f"{home.record['prefect']}/flow_runs/count", json=body).json())


def _mlflow_statuses(home: Home) -> list[str]:
    url = f"{home.record['mlflow']}/api/2.0/mlflow"
    experiments = (
        httpx.post(f"{url}/experiments/search", json={"max_results": 100})
        .json()
        .get("experiments", [])
    )
    found = httpx.post(
        f"{url}/runs/search", json={"experiment_ids": [e["experiment_id"] for e in experiments]}
    ).json()
    return [run["info"]["status"] for run in found.get("runs", [])]
