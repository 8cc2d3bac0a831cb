"""`ratchet score` on five million rows: its rate and memory, and the same job killed ten times.

    python -m tests.bench scoring

A killed job must write the same bytes as one that nobody disturbed.
Not here: the same on a few rows (tests/test_scoring_flow.py).
"""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch
from uuid import UUID

from mlflow import MlflowClient
from prefect.client.orchestration import get_client
from prefect.flow_engine import run_flow
from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings
from prefect.states import Crashed

from configs.settings import Settings
from deployments.stack import stack
from flows.scoring import score_batch
from tasks.data.digests import of_folder
from tasks.scoring import job, plan
from tasks.scoring.progress import Progress
from tasks.tracking.runs import Run
from tests import journeys
from tests.conftest import write_days
from tests.journeys import Journey

DAYS, ROWS_A_DAY = 50, 100_000
FIRST_DAY, LAST_DAY = "2026-01-11", "2026-03-01"
KILLS = 10
# a day takes about five times as long
POLL_SECONDS = 0.02


def measure_scoring() -> None:
    """Print what a job costs undisturbed, and whether ten kills change what it writes."""
    with tempfile.TemporaryDirectory() as name, _journey(Path(name)) as (journey, environment):
        journey.crown()
        write_days(journey.settings.data / "days", FIRST_DAY, DAYS, ROWS_A_DAY)
        out = Path(name, "killed")
        run = journey.start(score_batch, out=str(out), first=FIRST_DAY, last=LAST_DAY)
        chance = random.Random(0)
        for _ in range(KILLS):
            _kill_at_random(run.id, out, chance, environment)
            journey.prefect.set_flow_run_state(run.id, Crashed(), force=True)
            journey.again(run)
        _child("run", str(run.id), environment=environment).check_returncode()
        (recorded,) = journey.mlflow_runs(run)
        undisturbed = Path(name, "undisturbed")
        answer = _child(
            "undisturbed",
            recorded.info.run_id,
            recorded.info.artifact_uri,
            str(undisturbed),
            environment=environment,
        )
        answer.check_returncode()
        cost = json.loads(answer.stdout.splitlines()[-1])
        rows = int(recorded.data.metrics["rows"])
    print(
        f"scored {rows:,} rows in {DAYS} days: {cost['seconds']:.1f} s, "
        f"{rows / cost['seconds']:,.0f} rows a second, peak memory after a day "
        f"{cost['first_peak_mb']:,.0f} MB, at the end {cost['peak_mb']:,.0f} MB"
    )
    print(f"killed {KILLS} times, the same bytes: {cost['same_bytes']}")


@contextmanager
def _journey(home: Path) -> Iterator[tuple[Journey, dict[str, str]]]:
    """A model on servers of its own, and the environment of a process that uses them."""
    models = home / "models"
    models.mkdir()
    settings = Settings(
        ratchet_home=home,
        ratchet_models=models,
        ratchet_data=home / "data",
        ratchet_mlflow_port=0,
        ratchet_prefect_port=0,
    )
    with stack(settings, lambda _: None, runners=False) as running:
        variables = settings.environment() | {
            "MLFLOW_TRACKING_URI": running.mlflow_url,
            "PREFECT_API_URL": running.prefect_url,
            "PREFECT_HOME": f"{home}/client",
            "PREFECT_LOGGING_LEVEL": "WARNING",
            "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        }
        client = {PREFECT_API_URL: running.prefect_url, PREFECT_HOME: home / "client"}
        set_up = patch.dict(os.environ, variables), temporary_settings(client)
        with set_up[0], set_up[1], journeys.begin(Settings()) as journey:
            yield journey, {**os.environ}


def _kill_at_random(
    flow_run: UUID, out: Path, chance: random.Random, environment: Mapping[str, str]
) -> None:
    """Run the flow run, and kill its process soon after it has written a day or a few."""
    enough = _count(out) + chance.randint(1, DAYS // KILLS - 2)
    process = subprocess.Popen(_command("run", str(flow_run)), env=environment)
    while _count(out) < enough and process.poll() is None:
        time.sleep(POLL_SECONDS)
    time.sleep(chance.random() / 10)
    assert process.poll() is None, "the job ended before it was killed"
    process.send_signal(signal.SIGKILL)
    process.wait()


def _count(out: Path) -> int:
    return len(list(out.rglob("scores.parquet")))


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tests.bench.scoring", *arguments]


def _child(*arguments: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _command(*arguments), env=environment, stdout=subprocess.PIPE, text=True, check=False
    )


def run(flow_run: str) -> None:
    """Run a flow run in this process."""
    with get_client(sync_client=True) as client:
        recorded = client.read_flow_run(UUID(flow_run))
    run_flow(score_batch, flow_run=recorded, parameters=recorded.parameters)


def undisturbed(run_id: str, artifacts: str, out: str) -> None:
    """Do what an MLflow run planned, to another folder; print its cost, and whether they agree."""
    settings = Settings()
    client = MlflowClient(settings.mlflow_url)
    planned_run = Run(run_id, "", artifacts, "")
    planned = plan.read_stored(client, planned_run)
    assert planned
    began = time.monotonic()
    planned_job = job.open_job(client, planned_run, replace(planned, out=out))
    progress = _Peaks(lambda line: print(line, file=sys.stderr))
    job.score(planned_job, settings.data, progress)
    cost = {
        "seconds": time.monotonic() - began,
        "first_peak_mb": progress.peaks[0],
        "peak_mb": progress.peaks[-1],
        "same_bytes": of_folder(Path(out)) == of_folder(Path(planned.out)),
    }
    print(json.dumps(cost))


class _Peaks(Progress):
    """Progress that notes the process's peak memory, in MB, after each chunk."""

    def __init__(self, print_line: Callable[[str], None]) -> None:
        super().__init__(print_line)
        self.peaks: list[float] = []

    def tell(self, share: float, rows: int) -> None:
        super().tell(share, rows)
        self.peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    {"run": run, "undisturbed": undisturbed}[sys.argv[1]](*sys.argv[2:])
