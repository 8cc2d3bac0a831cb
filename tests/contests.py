"""Contests of made-up scores, for the tests and benchmarks of verdicts: no estimator, no server."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from configs.model import ModelConfig
from tasks.comparison.contest import Contest, Contestant
from tasks.data.hooks import Hooks
from tasks.records import RegisteredVersion, Role

Floats = NDArray[np.float64]
NO_HOOKS = Hooks("", "", {}, ())
ROLES: tuple[Role, ...] = ("candidate", "champion", "reference")


def config_of(
    *gate: dict[str, Any], columns: dict[str, str] | None = None, **sections: Any
) -> ModelConfig:
    """A binary model of a target `y`, judged as the sections say."""
    data = {
        "source": {"kind": "files", "path": "/x.parquet"},
        "columns": {"y": "int64", **(columns or {})},
        "key": "id",
        "target": "y",
        "features": ["x"],
    }
    document: dict[str, Any] = {
        "name": "made_up",
        "description": "d",
        "owner": "o",
        "data": data,
        "split": {"by": "hash", "holdout": 0.5},
        "train": {"estimator": "sklearn.linear_model.LogisticRegression"},
        "metrics": [*dict.fromkeys(rule["metric"] for rule in gate)],
        "gate": gate,
    }
    return ModelConfig.model_validate(document | sections)


def version_of(config: ModelConfig, number: int, role: Role) -> RegisteredVersion:
    return RegisteredVersion(
        model=config.name,
        number=number,
        run_id="r",
        experiment="1",
        artifacts="a",
        flow_run="f",
        sha256=f"{role}{number}",
        address="models:/m",
        metrics={},
        params={"holdout_sha256": "h"},
    )


def contest_of(
    config: ModelConfig,
    rows: pd.DataFrame,
    hooks: Hooks = NO_HOOKS,
    **scores: Floats | pd.Series | pd.DataFrame,
) -> Contest:
    """The named versions with their scores of `rows`, each as if it had an estimator of its own."""
    contestants: dict[Role, Contestant] = {}
    for number, role in enumerate(ROLES, 1):
        if role not in scores:
            continue
        answers = scores[role]
        indexed = (
            pd.Series(answers, index=rows.index) if isinstance(answers, np.ndarray) else answers
        )
        version = version_of(config, number, role)
        contestants[role] = Contestant(version, config, hooks, indexed, 0.5)
    versions = {role: contestant.version for role, contestant in contestants.items()}
    return Contest(config, versions, rows, contestants)
