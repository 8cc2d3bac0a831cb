"""Does a gate make the models in production better? A year of retraining, decided in six ways.

All policies see the same candidates, one every 28 days. A candidate that its gate lets through is
approved, so what is measured is the gate and not a person. docs/gating.md discusses the outcome.

    python -m tests.bench.gating elec2|simulator FOLDER_OF_DATA FOLDER_OF_PICTURE

Not here: the rows and what is wrong with them (worlds.py), whether the bounds that a gate
decides by hold (coverage.py).
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from tasks.comparison.bounds import Levels
from tasks.comparison.comparison import Compared, compare
from tasks.model import training
from tasks.model.scores import score
from tasks.records import Estimate
from tasks.verdict import gate
from tasks.verdict.evidence import is_superior
from tests.bench.worlds import World, elec2, simulator
from tests.contests import contest_of

EVERY_DAYS = 28
RETRAININGS = 13
LEVELS = Levels(0.05, 0.05)
# simulated years, each of a town of its own
SEEDS = 5
# retrainings after which a champion is old
OLD = 3


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
        days = EVERY_DAYS * (RETRAININGS + 1)
        years = [run_year(simulator(seed, days)) for seed in range(SEEDS)]
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
    columns = ("live, mean", "standard error over years", "worst month", "promotions a year")
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
