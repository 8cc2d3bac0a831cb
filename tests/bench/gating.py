"""Does a gate make the models in production better? A year of retraining, decided in six ways.

All policies see the same candidates, one every 28 days. A candidate that its gate lets through is
approved, so what is measured is the gate and not a person. docs/gating.md discusses the outcome.

    python -m tests.bench.gating elec2|simulator FOLDER_OF_DATA FOLDER_OF_PICTURE

Not here: whether the bounds that a gate decides by hold (coverage.py).
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from configs.comparison import Comparison
from configs.gate import Rule
from configs.model import ModelConfig
from configs.reading import hooks_path, read_model
from configs.settings import SHIPPED_MODELS, Settings
from tasks.comparison.bounds import Levels
from tasks.comparison.comparison import Compared, compare
from tasks.data import hooks, simulation
from tasks.model import training
from tasks.model.metrics import measure_built_in
from tasks.model.scores import score
from tasks.records import Estimate
from tasks.verdict import gate
from tasks.verdict.evidence import is_superior
from tests.contests import contest_of

EVERY_DAYS = 28
RETRAININGS = 13
LEVELS = Levels(0.05, 0.05)
# simulated years, each of a town of its own
SEEDS = 5
# retrainings after which a champion is old
OLD = 3

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


# Policies


def never(_compared: Compared, _age: int) -> bool:
    return False


def always(_compared: Compared, _age: int) -> bool:
    return True


def by_point_estimate(compared: Compared, _age: int) -> bool:
    """At least as good as the champion, by the value alone."""
    assert isinstance(compared.better, Estimate)
    return compared.better.spare >= 0


def by_gate(compared: Compared, _age: int) -> bool:
    return gate.decide(compared.estimates).passed


def when_better(compared: Compared, age: int) -> bool:
    """Passed, and significantly better in the first metric; or passed, and the champion is old."""
    return by_gate(compared, age) and (is_superior(compared.better) or age >= OLD)


@dataclass(frozen=True)
class Policy:
    """A way to decide on a candidate, and how its line is drawn.

    `decide` takes the comparison and how many retrainings old the champion is.
    """

    name: str
    decide: Callable[[Compared, int], bool]
    line: str
    marker: str
    beside_reference: bool = False


POLICIES = (
    Policy("never retrain", never, "-", ""),
    Policy("always the latest", always, "--", "x"),
    Policy("gate on point estimates", by_point_estimate, "-.", "s"),
    Policy("our gate", by_gate, "-", "o", beside_reference=True),
    Policy("our gate, no reference", by_gate, ":", "^"),
    Policy(
        f"our gate, only if significantly better or the champion is {OLD} months old",
        when_better,
        "-",
        "D",
        beside_reference=True,
    ),
)


# A year


@dataclass
class Production:
    """What is in production under one policy, and its metric in each month so far."""

    policy: Policy
    champion: Any
    reference: Any
    # in retrainings; docs/gating.md counts the first champion as one retraining old from the start
    age: int = 1
    promotions: int = 0
    live: list[float] = field(default_factory=list)


def run_year(world: World) -> list[Production]:
    """Retrain through a year, under each policy, from the same first champion."""
    now = world.first_training
    first = _train(world, now, 0)
    productions = [Production(policy, champion=first, reference=first) for policy in POLICIES]
    _measure_month(world, productions, now)
    for number in range(1, RETRAININGS + 1):
        now += timedelta(days=EVERY_DAYS)
        candidate = _train(world, now, number)
        holdout = world.rows_between(now - timedelta(days=world.holdout_days), now)
        for production in productions:
            _decide(world, production, candidate, holdout)
        _measure_month(world, productions, now)
    return productions


def _train(world: World, now: pd.Timestamp, number: int) -> Any:
    end = now - timedelta(days=world.holdout_days + world.delay_days)
    train = world.rows_between(end - timedelta(days=world.train_days), end)
    return training.fit(world.config, world.damage(train, number))


def _measure_month(world: World, productions: Sequence[Production], now: pd.Timestamp) -> None:
    """Measure each champion on the days until the next retraining."""
    rows = world.rows_between(now, now + timedelta(days=EVERY_DAYS))
    for production in productions:
        production.live.append(world.measure(production.champion, rows))


def _decide(world: World, production: Production, candidate: Any, holdout: pd.DataFrame) -> None:
    production.age += 1
    compared = _compare(world, production, candidate, holdout)
    if not production.policy.decide(compared, production.age):
        return
    production.champion = candidate
    production.age = 0
    production.promotions += 1
    if is_superior(compared.better_than_reference):
        production.reference = candidate


def _compare(
    world: World, production: Production, candidate: Any, holdout: pd.DataFrame
) -> Compared:
    estimators = {"candidate": candidate, "champion": production.champion}
    if production.policy.beside_reference:
        estimators["reference"] = production.reference
    scores = {
        role: score(estimator, world.config, holdout) for role, estimator in estimators.items()
    }
    return compare(contest_of(world.config, holdout, **scores), LEVELS)


# Worlds


def elec2(data: Path) -> World:
    """Half-hourly prices of electricity, 1996 to 1998: real drift. The units are days."""
    models = Path(__file__).parents[1] / "models"
    shipped = read_model("elec2", Settings(ratchet_models=models, ratchet_data=data))
    config = shipped.model_copy(
        update={
            "comparison": Comparison(units=("timestamp",)),
            "gate": _not_worse("accuracy", margin=0.02),
        }
    )
    rows = pd.read_parquet(data / "elec2.parquet")
    first_training = rows["timestamp"].min().normalize() + timedelta(days=400)
    return World(config, rows, first_training, train_days=180, delay_days=0, holdout_days=28)


def simulator(seed: int) -> World:
    """A year of card transactions whose frauds shrink, with three trainings on wrong labels."""
    settings = Settings(ratchet_models=SHIPPED_MODELS)
    config = _simulator_config(settings)
    start = date(2025, 1, 1)
    days_before = HISTORY_DAYS + 3 * WEEK_DAYS
    raw = simulation.simulate(
        days_before + EVERY_DAYS * (RETRAININGS + 1),
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


# The report


@dataclass(frozen=True)
class Summary:
    """One policy over all years; `gained[k]` is its live metric of months 0 to k, added up."""

    policy: Policy
    mean: float
    # the standard error of the mean over years; None of a single year
    error: float | None
    worst_month: float
    promotions: float
    gained: np.ndarray


def report(name: str, data: Path, folder: Path) -> None:
    """Print the table of a world and draw its picture into the folder.

    There is one year of elec2, and as many of the simulator as are made.
    """
    if name == "simulator":
        years = [run_year(simulator(seed)) for seed in range(SEEDS)]
    else:
        years = [run_year(elec2(data))]
    summaries = [_summary_of(productions) for productions in zip(*years, strict=True)]
    _print_table(name, len(years), summaries)
    _draw(name, summaries, folder / f"gating_{name}.png")


def _summary_of(productions: Sequence[Production]) -> Summary:
    """The summary of one policy, from its production in each year."""
    means = [float(np.mean(production.live)) for production in productions]
    count = len(means)
    return Summary(
        policy=productions[0].policy,
        mean=float(np.mean(means)),
        error=float(np.std(means, ddof=1) / np.sqrt(count)) if count > 1 else None,
        worst_month=min(min(production.live) for production in productions),
        promotions=float(np.mean([production.promotions for production in productions])),
        gained=np.cumsum(np.mean([production.live for production in productions], axis=0)),
    )


def _print_table(name: str, years: int, summaries: Sequence[Summary]) -> None:
    columns = ("live, mean", "+- over years", "worst month", "promotions a year")
    table = Table(f"{name}, {years} x a year", *columns, box=None)
    for summary in summaries:
        table.add_row(
            summary.policy.name,
            f"{summary.mean:.4f}",
            "" if summary.error is None else f"{summary.error:.4f}",
            f"{summary.worst_month:.4f}",
            f"{summary.promotions:.1f}",
        )
    Console(width=140).print(table)


def _draw(name: str, summaries: Sequence[Summary], file: Path) -> None:
    figure = Figure(figsize=(7, 5.5), layout="constrained", dpi=110)
    axes = figure.add_subplot()
    without_retraining = summaries[0].gained
    for summary in summaries:
        policy = summary.policy
        axes.plot(
            summary.gained - without_retraining,
            label=policy.name,
            linestyle=policy.line,
            marker=policy.marker,
            markersize=4,
        )
    axes.set(
        title=f"{name}: live metric gained over never retraining, added up",
        xlabel="retraining",
        ylabel="metric x months",
    )
    # below the axes: the longest name would cover the lines
    figure.legend(loc="outside lower left", fontsize="small")
    figure.savefig(file)


if __name__ == "__main__":
    report(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
