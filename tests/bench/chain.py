"""The whole chain from daily files to a registered version, beside a script that a person writes.

Both run on 1, 10, 100 times the demo's rows, each in a process of its own, against the same MLflow
server. The model is a logistic regression: how long a forest takes says nothing about ratchet.

    python -m tests.bench chain 1 10 100

Not here: the data, the flow and the script (chain_processes.py); the parts of the chain, each by
itself (parts.py).
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from configs.settings import SHIPPED_MODELS, Settings
from deployments.stack import stack
from tests.bench.chain_processes import MODEL, Cost, StepCost


@dataclass(frozen=True)
class Comparison:
    """What the flow and the script cost on `scale` times the demo's rows."""

    scale: int
    rows: int
    ours: Cost
    script: Cost


def compare_chains(scales: Sequence[int]) -> None:
    """Print what flow and script cost at each scale, and what each step of the flow costs."""
    with tempfile.TemporaryDirectory() as home, _servers(Path(home)) as environment:
        comparisons = [_compare(scale, Path(home), environment) for scale in scales]
    console = Console(width=110)
    console.print(_table_of_costs(comparisons))
    console.print(_table_of_steps(comparisons))


@contextmanager
def _servers(home: Path) -> Iterator[dict[str, str]]:
    """The environment of a process that uses the servers running during the block."""
    settings = Settings(
        ratchet_home=home,
        ratchet_models=_write_models(home / "models"),
        ratchet_mlflow_port=0,
        ratchet_prefect_port=0,
    )
    with stack(settings, lambda _: None, runners=False) as running:
        yield {
            **os.environ,
            **settings.environment(),
            "MLFLOW_TRACKING_URI": running.mlflow_url,
            "PREFECT_API_URL": running.prefect_url,
            "PREFECT_HOME": f"{home}/client",
            "PREFECT_LOGGING_LEVEL": "WARNING",
        }


def _write_models(folder: Path) -> Path:
    """Copy the shipped model into a folder, but so that training it requests no promotion."""
    folder.mkdir()
    for suffix in ("yaml", "py"):
        text = (SHIPPED_MODELS / f"{MODEL}.{suffix}").read_text()
        text = re.sub("promotion: {.*}", "promotion: {ask: manual}", text)
        (folder / f"{MODEL}.{suffix}").write_text(text)
    return folder


def _compare(scale: int, home: Path, environment: Mapping[str, str]) -> Comparison:
    data = home / f"data{scale}"
    rows = int(_run("write", str(data / "transactions"), str(scale), environment=environment))
    with_data = {**environment, "RATCHET_DATA": str(data)}
    ours = _read_cost(_run("flow", environment=with_data))
    script = _read_cost(_run("script", environment=with_data))
    return Comparison(scale, rows, ours, script)


def _run(*arguments: str, environment: Mapping[str, str]) -> str:
    """Run a command of chain_processes.py; return the last line it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.chain_processes", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        command = " ".join(arguments)
        raise RuntimeError(f"{command} exited with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout.splitlines()[-1]


def _table_of_costs(comparisons: Sequence[Comparison]) -> Table:
    columns = ("wall s", "x script", "CPU s", "x script", "peak MB", "x script")
    table = Table("whole chain, rows", *columns, box=None)
    for comparison in comparisons:
        ours, script = comparison.ours, comparison.script
        table.add_row(
            f"{comparison.rows:,}",
            f"{ours.wall:,.1f}",
            f"{ours.wall / script.wall:.2f}",
            f"{ours.cpu:,.1f}",
            f"{ours.cpu / script.cpu:.2f}",
            f"{ours.peak_mb:,.1f}",
            f"{ours.peak_mb / script.peak_mb:.2f}",
        )
    return table


def _table_of_steps(comparisons: Sequence[Comparison]) -> Table:
    columns = [f"x {comparison.scale}, s (peak MB)" for comparison in comparisons]
    table = Table("step", *columns, box=None)
    names = [name for comparison in comparisons for name in comparison.ours.steps]
    for name in dict.fromkeys(names):
        costs = [comparison.ours.steps.get(name) for comparison in comparisons]
        table.add_row(name, *map(_step_text, costs))
    return table


def _step_text(cost: StepCost | None) -> str:
    return f"{cost.seconds:.1f} ({cost.peak_mb:,.0f})" if cost else "-"


def _read_cost(text: str) -> Cost:
    document = json.loads(text)
    steps = {name: StepCost(**cost) for name, cost in document.pop("steps").items()}
    return Cost(**document, steps=steps)
