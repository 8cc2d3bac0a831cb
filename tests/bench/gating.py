"""Does a gate make the models in production better? A year of retrainings every 28 days, each way of deciding on the same candidates.

`python -m tests.bench.gating elec2|simulator FOLDER_OF_DATA FOLDER_OF_PICTURE` prints the table. docs/gating.md tells what came out.
Every candidate that its gate lets by is approved: what is measured is the gate, not the person.
"""

import sys
from collections.abc import Callable, Iterator
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

EVERY = timedelta(days=28)
RETRAININGS = 13
LEVELS = Levels(0.05, 0.05)
SEEDS = 5
OLD = 3  # retrainings after which a champion is old


@dataclass(frozen=True)
class World:
    """Rows over time, how candidates are made of them, and what they are judged by."""

    config: ModelConfig
    rows: pd.DataFrame
    first: pd.Timestamp  # when the first model is trained
    train: timedelta
    delay: timedelta
    holdout: timedelta
    learned: Callable[
        [pd.DataFrame, int], pd.DataFrame
    ]  # the training rows as they arrive at retraining number k: perhaps damaged

    def between(self, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
        times = self.rows[self.config.data.time]
        return self.rows[(times >= start) & (times < end)]

    @property
    def metric(self) -> str:
        return self.config.metric_names[0]

    def measure(self, model: Any, rows: pd.DataFrame) -> float:
        return measure_built_in(
            self.metric, self.config, rows, score(model, self.config, rows), 0.5
        )


@dataclass
class Policy:
    """A way to decide, and how its champion did on the days that came after each decision."""

    name: str
    decide: Callable[
        [World, Compared, int], bool
    ]  # on what the comparison found, and how many retrainings old the champion is
    beside_reference: bool = False
    champion: Any = None
    reference: Any = None
    live: list[float] = field(default_factory=list)
    promotions: int = 0
    age: int = 0


def never(*_: Any) -> bool:
    return False


def always(*_: Any) -> bool:
    return True


def on_points(world: World, found: Compared, _: int) -> bool:
    """At least as good, by the value alone."""
    assert found.better
    assert isinstance(found.better, Estimate)
    return found.better.spare >= 0


def by_gate(_: World, found: Compared, __: int) -> bool:
    return gate.decide(found.estimates).passed


def when_better(world: World, found: Compared, age: int) -> bool:
    """Passed, and surely better in the first metric; or passed, and the champion is old."""
    return by_gate(world, found, age) and (is_superior(found.better) or age >= OLD)


def _compared(
    world: World, candidate: Any, champion: Any, reference: Any, holdout: pd.DataFrame
) -> Compared:
    models = {"candidate": candidate, "champion": champion} | (
        {"reference": reference} if reference is not None else {}
    )
    scores = {role: score(model, world.config, holdout) for role, model in models.items()}
    return compare(contest_of(world.config, holdout, **scores), LEVELS)


def run(world: World) -> list[Policy]:
    policies = [
        Policy("never retrain", never), Policy("always the latest", always), Policy("gate on point estimates", on_points),
        Policy("our gate", by_gate, beside_reference=True), Policy("our gate, no reference", by_gate),
        Policy(f"our gate, when better or {OLD} months old", when_better, beside_reference=True),
    ]  # fmt: skip
    for number in range(RETRAININGS + 1):
        now = world.first + number * EVERY
        holdout = world.between(now - world.holdout, now)
        end = now - world.holdout - world.delay
        candidate = training.fit(
            world.config, world.learned(world.between(end - world.train, end), number)
        )
        live = world.between(now, now + EVERY)
        for policy in policies:
            _decide(world, policy, candidate, holdout)
            policy.live.append(world.measure(policy.champion, live))
    return policies


def _decide(world: World, policy: Policy, candidate: Any, holdout: pd.DataFrame) -> None:
    policy.age += 1
    if policy.champion is None:
        policy.champion = policy.reference = candidate
        return
    found = _compared(
        world,
        candidate,
        policy.champion,
        policy.reference if policy.beside_reference else None,
        holdout,
    )
    if policy.decide(world, found, policy.age):
        policy.champion, policy.age = candidate, 0
        policy.promotions += 1
        if is_superior(found.better_than_reference):
            policy.reference = candidate


def elec2(data: Path) -> World:
    """Half-hourly prices of electricity, 1996 to 1998: real drift. Each day is one of what is independent."""
    config = read_model(
        "elec2", Settings(ratchet_models=Path(__file__).parents[1] / "models", ratchet_data=data)
    )
    rows = pd.read_parquet(data / "elec2.parquet")
    config = config.model_copy(
        update={"comparison": Comparison(units=("timestamp",)), "gate": _rules("accuracy", 0.02)}
    )
    first = rows["timestamp"].min().normalize() + timedelta(days=400)
    return World(
        config,
        rows,
        first,
        timedelta(days=180),
        timedelta(0),
        timedelta(days=28),
        lambda train, _: train,
    )


def simulator(_: Path, seed: int = 0) -> World:
    """A year of card transactions whose fraudsters take less and less; and three retrainings on damaged labels, as happens."""
    settings = Settings(ratchet_models=SHIPPED_MODELS)
    config = read_model("fraud_detector", settings)
    config = config.model_copy(update={
        "gate": _rules("average_precision", 0.05), "comparison": Comparison(units=("CUSTOMER_ID",)), "slices": {},
        "train": config.train.model_copy(update={"estimator": "sklearn.ensemble.HistGradientBoostingClassifier", "params": {"max_iter": 60}}),
    })  # fmt: skip
    start = date(2025, 1, 1)
    raw = simulation.simulate(
        37 + 21 + 28 * (RETRAININGS + 1), seed=seed, start=start, customers=2_000, terminals=4_000
    )
    age = (raw["TX_DATETIME"] - raw["TX_DATETIME"].min()) / timedelta(days=365)
    raw["TX_AMOUNT"] = raw["TX_AMOUNT"].where(
        raw["TX_FRAUD"] == 0, (raw["TX_AMOUNT"] * (1 - 0.6 * age)).round(2)
    )
    rows = hooks.prepare(
        config, hooks.load_hooks(config, hooks_path("fraud_detector", settings)), raw
    )

    def learned(train: pd.DataFrame, number: int) -> pd.DataFrame:
        if number not in (3, 7, 11):
            return train
        wrong = np.random.default_rng(number).random(len(train)) < 0.1
        return train.assign(TX_FRAUD=train["TX_FRAUD"].where(~wrong, 1 - train["TX_FRAUD"]))

    first = pd.Timestamp(start) + timedelta(days=37 + 21)
    return World(
        config, rows, first, timedelta(days=7), timedelta(days=7), timedelta(days=7), learned
    )


def _rules(metric: str, by: float) -> tuple[Rule, ...]:
    return (
        Rule(metric=metric, not_worse_than="champion", by=by),
        Rule(metric=metric, not_worse_than="reference", by=by),
    )


def report(name: str, data: Path, folder: Path) -> None:
    """One year for data that there is one of, SEEDS of them for data that are made."""
    years = (
        [run(simulator(data, seed)) for seed in range(SEEDS)]
        if name == "simulator"
        else [run(elec2(data))]
    )
    table = Table(
        f"{name}, {len(years)} x a year",
        "live, mean",
        "+- over years",
        "worst month",
        "promotions a year",
        box=None,
    )
    gained = {}
    for policies in zip(*years, strict=True):
        means = [float(np.mean(policy.live)) for policy in policies]
        worst, promotions = (
            min(min(policy.live) for policy in policies),
            np.mean([policy.promotions for policy in policies]),
        )
        spread = f"{np.std(means, ddof=1) / np.sqrt(len(means)):.4f}" if len(means) > 1 else ""
        table.add_row(
            policies[0].name, f"{np.mean(means):.4f}", spread, f"{worst:.4f}", f"{promotions:.1f}"
        )
        gained[policies[0].name] = np.cumsum(np.mean([policy.live for policy in policies], axis=0))
    Console(width=100).print(table)
    figure = Figure(figsize=(7, 4.5), layout="constrained", dpi=110)
    axes = figure.add_subplot()
    for (policy, total), style in zip(gained.items(), _styles(), strict=True):
        axes.plot(total - gained["never retrain"], label=policy, **style)
    axes.set(
        title=f"{name}: live metric gained over never retraining, added up",
        xlabel="retraining",
        ylabel="metric x months",
    )
    axes.legend()
    figure.savefig(folder / f"gating_{name}.png")


def _styles() -> Iterator[dict[str, Any]]:
    for line, marker in zip(
        ("-", "--", "-.", "-", ":", "-"), ("", "x", "s", "o", "^", "D"), strict=True
    ):
        yield {"linestyle": line, "marker": marker, "markersize": 4}


if __name__ == "__main__":
    report(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
