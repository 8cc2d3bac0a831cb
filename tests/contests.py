"""Contests of made-up scores, for the tests and the benchmarks of verdicts: no model, no server."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from configs.model import ModelConfig
from tasks.comparison.contest import Contest, Contestant
from tasks.data.hooks import Hooks
from tasks.records import RegisteredVersion, Role

Floats = NDArray[np.float64]
NO_HOOKS = Hooks("", "", {})


def config_of(
    *gate: dict[str, Any], columns: dict[str, str] | None = None, **parts: Any
) -> ModelConfig:
    """A binary model of a target `y`, judged in the way that `parts` say."""
    given: dict[str, Any] = {
        "name": "made_up", "description": "d", "owner": "o",
        "data": {"source": {"kind": "files", "path": "/x.parquet"}, "columns": {"y": "int64", **(columns or {})}, "key": "id", "target": "y",
                 "features": ["x"]},
        "split": {"by": "hash", "holdout": 0.5},
        "train": {"estimator": "sklearn.linear_model.LogisticRegression"},
        "metrics": [*dict.fromkeys(rule["metric"] for rule in gate)],
        "gate": gate,
    }  # fmt: skip
    return ModelConfig.model_validate(given | parts)


def contest_of(
    config: ModelConfig,
    rows: pd.DataFrame,
    hooks: Hooks = NO_HOOKS,
    **scores: Floats | pd.Series | pd.DataFrame,
) -> Contest:
    """Those who are named, with their scores of `rows`, in their order; as if each had a model of its own."""
    made: dict[Role, Contestant] = {}
    roles: tuple[Role, ...] = ("candidate", "champion", "reference")
    for number, role in enumerate(roles, 1):
        if role in scores:
            version = RegisteredVersion(
                config.name,
                number,
                "r",
                "1",
                "a",
                "f",
                f"{role}{number}",
                "models:/m",
                {},
                {"holdout_sha256": "h"},
            )
            found = scores[role]
            indexed = pd.Series(found, index=rows.index) if isinstance(found, np.ndarray) else found
            made[role] = Contestant(version, config, hooks, indexed, 0.5)
    return Contest(config, rows, made)
