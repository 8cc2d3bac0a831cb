"""The plan of a training run: settled by its first attempt, stored, followed by later attempts.

So a retry next morning means the same rows, the same parameters and the same code; where the code
differs, it says so and stops. Not here: how a window is found (tasks/data/splits.py), what the
identity of code is (code_identity.py).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.artifacts import load_dict

from configs import canonical_json
from configs.errors import RunChanged
from configs.model import ModelConfig
from configs.reading import hooks_path, read_model
from configs.settings import Settings
from tasks.data import splits
from tasks.data.hooks import Hooks, load_hooks, parse_hooks
from tasks.records import Window
from tasks.tracking.code_identity import identify_code
from tasks.tracking.runs import Run

PLAN_FILE = "plan.json"


@dataclass(frozen=True)
class Plan:
    """What one training run does: its configuration with its overrides, window, hooks and code.

    `window` is None for data that are not split by time. `code` names the code it began with.
    """

    config: ModelConfig
    window: Window | None
    hooks: Hooks
    code: dict[str, str]

    def __str__(self) -> str:
        if self.window is None:
            return str(self.config.split)
        return f"{self.as_of:%Y-%m-%d}: {self.window:%m-%d}"

    @property
    def as_of(self) -> datetime | None:
        """The instant up to which labels are complete; None for data that are not split by time."""
        return self.window.holdout_end if self.window else None

    @property
    def config_digest(self) -> str:
        return canonical_json.digest(self.config.model_dump(mode="json"))

    @property
    def params(self) -> dict[str, object]:
        """What MLflow shows as the run's parameters."""
        train = self.config.train
        return {
            "train.estimator": train.estimator,
            **{f"train.params.{name}": value for name, value in train.params.items()},
            "train.scale": train.scale,
            "seed": train.seed,
            **self._instants,
            "config_digest": self.config_digest,
            **self.code,
        }

    @property
    def version_tags(self) -> dict[str, str]:
        """The tags of a version that this plan leads to."""
        return {"ratchet.as_of": self._instants["as_of"]} if self.window else {}

    @property
    def _instants(self) -> dict[str, str]:
        """The bounds of the window by their names, and `as_of`; empty without a window."""
        if self.window is None:
            return {}
        bounds = {name: instant.isoformat() for name, instant in asdict(self.window).items()}
        # it follows from history_days, and is not a bound of rows that are trained or judged on
        del bounds["history_start"]
        return {"as_of": bounds["holdout_end"], **bounds}


@dataclass(frozen=True)
class StoredPlan:
    """What plan.json holds of a plan: all but the hooks, which are read from their file anew."""

    config: ModelConfig
    window: Window | None
    code: dict[str, str]


def settle(
    client: MlflowClient,
    run: Run,
    settings: Settings,
    model: str,
    as_of: datetime | None,
    overrides: Sequence[str],
) -> Plan:
    """The plan that the first attempt of this run stored; a first attempt makes and stores it.

    Only a first attempt reads the YAML and looks for the newest data. RunChanged when the code
    is no longer the code that the run began with.
    """
    stored = _read_stored(client, run)
    if stored:
        return _follow(stored, settings)
    config = read_model(model, settings, overrides)
    hooks = load_hooks(config, hooks_path(model, settings))
    window = splits.settle_window(config, as_of, settings.data)
    code = identify_code(settings.models, hooks.source)
    stored = _store(client, run, StoredPlan(config, window, code))
    return Plan(stored.config, stored.window, hooks, stored.code)


def _follow(stored: StoredPlan, settings: Settings) -> Plan:
    """The stored plan with its hooks; RunChanged when they or the libraries have changed."""
    path = hooks_path(stored.config.name, settings)
    source = _read_hooks_again(stored.config, path)
    # before the hooks are run: other hooks may not even load
    _require_same_code(stored.code, identify_code(settings.models, source))
    hooks = parse_hooks(stored.config, source, path)
    return Plan(stored.config, stored.window, hooks, stored.code)


def _read_hooks_again(config: ModelConfig, path: Path) -> str:
    """The source of the hooks; empty for a model that has none, RunChanged when it is gone."""
    if not config.hooks:
        return ""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise RunChanged(
            f"this run began with other code ({path} is gone); start a new run"
        ) from error


def _require_same_code(began_with: Mapping[str, str], now: Mapping[str, str]) -> None:
    changes = [
        f"{name} was {value}, is {now.get(name, 'not there')}"
        for name, value in began_with.items()
        if now.get(name) != value
    ]
    if changes:
        raise RunChanged(f"this run began with other code ({'; '.join(changes)}); start a new run")


def _read_stored(client: MlflowClient, run: Run) -> StoredPlan | None:
    if PLAN_FILE not in {artifact.path for artifact in client.list_artifacts(run.id)}:
        return None
    return _parse(load_dict(f"{run.artifacts}/{PLAN_FILE}"))


def _store(client: MlflowClient, run: Run, plan: StoredPlan) -> StoredPlan:
    """Store the plan, and return it as later attempts read it.

    The text sorts the keys, and with them the columns, whose order is part of the data digest: an
    attempt that followed the plan as it was before would log another digest than its retry.
    """
    document = {
        "config": plan.config.model_dump(mode="json"),
        "as_of": plan.window and plan.window.holdout_end.isoformat(),
        "code": plan.code,
    }
    text = json.dumps(document, indent=1, sort_keys=True)
    client.log_text(run.id, text, PLAN_FILE)
    return _parse(json.loads(text))


def _parse(document: Mapping[str, Any]) -> StoredPlan:
    config = ModelConfig.model_validate(document["config"])
    as_of = document["as_of"]
    window = splits.window_until(config, datetime.fromisoformat(as_of)) if as_of else None
    return StoredPlan(config, window, document["code"])
