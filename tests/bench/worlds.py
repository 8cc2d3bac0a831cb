"""Two worlds in which models are retrained for a year: real prices, and simulated transactions.

Not here: how candidates are decided on in them (gating.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from configs.comparison import Comparison
from configs.gate import Rule
from configs.model import ModelConfig
from configs.reading import hooks_path, read_model
from configs.settings import SHIPPED_MODELS, Settings
from tasks.data import hooks, simulation
from tasks.model.metrics import measure_built_in
from tasks.model.scores import score
from tests.public_data import MODELS

# the simulator: history before training, then a week each to train on, to wait, and to judge on
HISTORY_DAYS = 37
WEEK_DAYS = 7
# the retrainings on wrong labels, and the share of labels that are wrong
DAMAGED_RETRAININGS = (3, 7, 11)
WRONG_LABELS = 0.1
# the share by which the amounts of frauds have shrunk after a year
SHRINKING = 0.6


def as_they_are(train: pd.DataFrame, _number: int) -> pd.DataFrame:
    return train


@dataclass(frozen=True)
class World:
    """Rows over time, how candidates are trained on them, and by what they are judged.

    `damage` takes the training rows of a retraining and its number, and returns them as they
    arrive there.
    """

    config: ModelConfig
    rows: pd.DataFrame
    first_training: pd.Timestamp
    train_days: int
    delay_days: int
    holdout_days: int
    damage: Callable[[pd.DataFrame, int], pd.DataFrame] = as_they_are

    def rows_between(self, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
        times = self.rows[self.config.data.time]
        return self.rows[(times >= start) & (times < end)]

    def measure(self, estimator: Any, rows: pd.DataFrame) -> float:
        """The first metric of an estimator on these rows."""
        scores = score(estimator, self.config, rows)
        return measure_built_in(self.config.metric_names[0], self.config, rows, scores, 0.5)


def elec2(data: Path) -> World:
    """Half-hourly prices of electricity, 1996 to 1998: real drift. The units are days."""
    shipped = read_model("elec2", Settings(ratchet_models=MODELS, ratchet_data=data))
    config = shipped.model_copy(
        update={
            "comparison": Comparison(units=("timestamp",)),
            "gate": _not_worse("accuracy", margin=0.02),
        }
    )
    rows = pd.read_parquet(data / "elec2.parquet")
    first_training = rows["timestamp"].min().normalize() + timedelta(days=400)
    return World(config, rows, first_training, train_days=180, delay_days=0, holdout_days=28)


def simulator(seed: int, days: int) -> World:
    """Card transactions whose frauds shrink, with three trainings on wrong labels.

    `days` is how long the world lasts after the first training.
    """
    settings = Settings(ratchet_models=SHIPPED_MODELS)
    config = _simulator_config(settings)
    start = date(2025, 1, 1)
    days_before = HISTORY_DAYS + 3 * WEEK_DAYS
    raw = simulation.simulate(
        days_before + days,
        seed=seed,
        start=start,
        customers=2_000,
        terminals=4_000,
    )
    own_hooks = hooks.load_hooks(config, hooks_path(config.name, settings))
    return World(
        config,
        hooks.prepare(config, own_hooks, _with_shrinking_frauds(raw)),
        pd.Timestamp(start) + timedelta(days=days_before),
        train_days=WEEK_DAYS,
        delay_days=WEEK_DAYS,
        holdout_days=WEEK_DAYS,
        damage=flip_labels,
    )


def _simulator_config(settings: Settings) -> ModelConfig:
    config = read_model("fraud_detector", settings)
    train = config.train.model_copy(
        update={
            "estimator": "sklearn.ensemble.HistGradientBoostingClassifier",
            "params": {"max_iter": 60},
        }
    )
    return config.model_copy(
        update={
            "train": train,
            "gate": _not_worse("average_precision", margin=0.05),
            "comparison": Comparison(units=("CUSTOMER_ID",)),
            "slices": {},
        }
    )


def _with_shrinking_frauds(raw: pd.DataFrame) -> pd.DataFrame:
    """The rows, with the amounts of frauds reduced the more the later they are."""
    years = (raw["TX_DATETIME"] - raw["TX_DATETIME"].min()) / timedelta(days=365)
    reduced = (raw["TX_AMOUNT"] * (1 - SHRINKING * years)).round(2)
    is_genuine = raw["TX_FRAUD"] == 0
    return raw.assign(TX_AMOUNT=raw["TX_AMOUNT"].where(is_genuine, reduced))


def flip_labels(train: pd.DataFrame, number: int) -> pd.DataFrame:
    """The training rows of a retraining; in some retrainings one label in ten is wrong."""
    if number not in DAMAGED_RETRAININGS:
        return train
    is_wrong = np.random.default_rng(number).random(len(train)) < WRONG_LABELS
    labels = train["TX_FRAUD"].where(~is_wrong, 1 - train["TX_FRAUD"])
    return train.assign(TX_FRAUD=labels)


def _not_worse(metric: str, margin: float) -> tuple[Rule, ...]:
    return (
        Rule(metric=metric, not_worse_than="champion", by=margin),
        Rule(metric=metric, not_worse_than="reference", by=margin),
    )
