"""The plan of a training run: settled by its first attempt, kept with the run, and followed by every later attempt.

A retry next morning thus means the same rows, the same parameters and the same code; where the code differs it says so and stops.
"""

import hashlib
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Any

import rfc8785
from mlflow import MlflowClient

from configs.errors import RunChanged
from configs.model import ModelConfig
from configs.reading import hooks_path, read_model
from configs.settings import Settings
from tasks.data import splits
from tasks.data.hooks import Hooks, load_hooks
from tasks.records import Window
from tasks.tracking import runs
from tasks.tracking.runs import Run


@dataclass(frozen=True)
class Plan:
    """What one training run does: its configuration with the run's overrides, its spans, its hooks, and the code it began with."""

    config: ModelConfig
    window: Window | None
    hooks: Hooks
    code: dict[str, str]

    def __str__(self) -> str:
        return (
            f"{self.window.holdout_end:%Y-%m-%d}: {self.window:%m-%d}"
            if self.window
            else str(self.config.split)
        )

    @property
    def as_of(self) -> datetime | None:
        """The instant up to which labels are complete; None for data that are not split by time."""
        return self.window.holdout_end if self.window else None

    @property
    def params(self) -> dict[str, object]:
        """What MLflow shows as the run's parameters."""
        train = self.config.train
        spans = (
            {} if self.window is None else {"as_of": self.window.holdout_end} | asdict(self.window)
        )
        return {
            "train.estimator": train.estimator,
            **{f"train.params.{name}": value for name, value in train.params.items()},
            "train.scale": train.scale,
            "seed": train.seed,
            **{
                name: instant.isoformat()
                for name, instant in spans.items()
                if name != "history_start"
            },
            "config_digest": _digest(self.config.model_dump(mode="json")),
            **self.code,
        }


def settle(
    client: MlflowClient,
    run: Run,
    settings: Settings,
    model: str,
    as_of: datetime | None,
    overrides: Sequence[str],
) -> Plan:
    """The plan of this run's first attempt; RunChanged when the code is no longer the one it began with."""
    config = read_model(model, settings, overrides)
    hooks = load_hooks(config, hooks_path(model, settings))
    window = splits.settle_window(config, as_of, settings.data)
    code = code_identity(settings.models, hooks)
    kept = runs.settle(
        client,
        run,
        {
            "config": config.model_dump(mode="json"),
            "as_of": window and window.holdout_end.isoformat(),
            "code": code,
        },
    )
    changed = [
        f"{name} was {was}, is {code.get(name)}"
        for name, was in kept["code"].items()
        if code.get(name) != was
    ]
    if changed:
        raise RunChanged(f"this run began with other code ({'; '.join(changed)}); start a new run")
    config = ModelConfig.model_validate(kept["config"])
    window = splits.window(config, datetime.fromisoformat(kept["as_of"])) if kept["as_of"] else None
    return Plan(config, window, hooks, kept["code"])


def code_identity(models: Path, hooks: Hooks) -> dict[str, str]:
    """What code a run is made with: the commit of the models' folder, the hooks, the libraries."""
    libraries = (
        "python",
        "scikit-learn",
        "pandas",
        "numpy",
        "mlflow",
        "prefect",
        "great-expectations",
        "ratchet",
    )
    commit = _git(models, "rev-parse", "HEAD")
    in_git = {"git_commit": commit, "git_dirty": str(bool(_git(models, "status", "--porcelain")))}
    return {
        **(in_git if commit else {"git_commit": "not in git"}),
        "hooks_sha256": hashlib.sha256(hooks.source.encode()).hexdigest(),
        "lock_digest": _lock_digest(),
        **{f"version.{name}": _version(name) for name in libraries},
    }


@cache
def _lock_digest() -> str:
    """Of all installed distributions, which a process does not change."""
    return _digest(
        sorted({f"{installed.name}=={installed.version}" for installed in distributions()})
    )


def _version(name: str) -> str:
    return platform.python_version() if name == "python" else version(name)


def _git(folder: Path, *arguments: str) -> str:
    """What git answers about a folder; empty where it is in no repository, or there is no git."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _digest(value: Any) -> str:
    return hashlib.sha256(rfc8785.dumps(value)).hexdigest()
