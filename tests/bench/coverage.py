"""How often the bounds of a verdict hold what they promise, on rows whose truth is known.

Of one-sided 95% bounds, 95 in 100 must have the true value on their side, however few positives or
units there are: of a metric, and of its difference between two versions.

    python -m tests.bench.coverage [DRAWS [SCENARIO ...]]

Not here: whether a gate made of such bounds helps in production (gating.py).
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.random import Generator
from rich.console import Console
from rich.table import Table
from scipy.special import expit

from configs.model import ModelConfig
from tasks.comparison.bounds import Levels
from tasks.comparison.comparison import compare
from tasks.model.metrics import measure_built_in
from tasks.records import Estimate
from tasks.verdict import gate
from tests.contests import Floats, config_of, contest_of

DRAWS = 300
CONFIDENCE = 0.95
LEVELS = Levels(1 - CONFIDENCE, 1 - CONFIDENCE)
# of a population, large beside any draw
POPULATION = 200_000

# an answer is right where its standard normal hardness is below the quantile of its accuracy
QUANTILE_OF_74 = 0.6433
QUANTILE_OF_77 = 0.7388
QUANTILE_OF_80 = 0.8416
# how the hardness of a row for the champion follows its hardness for the candidate
CORRELATION = 0.7

# of the rule that candidates meet which are worse by twice as much
MARGIN = 0.03

OF_SCORES = ("roc_auc", "average_precision", "log_loss", "brier_score")
OF_DECISIONS = ("cost", "f1", "accuracy", "matthews_corrcoef", "balanced_accuracy")
OF_NUMBERS = ("root_mean_squared_error", "mean_absolute_error", "r2")


@dataclass(frozen=True)
class Pair:
    """Rows with a target `y`, and the scores of a candidate and a champion on them."""

    rows: pd.DataFrame
    candidate: Floats
    champion: Floats

    def take(self, places: np.ndarray) -> "Pair":
        rows = self.rows.iloc[places].reset_index(drop=True)
        return Pair(rows, self.candidate[places], self.champion[places])


class Truth(NamedTuple):
    """The true metric of both versions."""

    candidate: float
    champion: float


@dataclass(frozen=True)
class Scenario:
    """How pairs are drawn, what is measured on them, and the truth of it."""

    config: ModelConfig
    draw: Callable[[Generator], Pair]
    truths: Mapping[str, Truth]


# Populations


def of_scores(
    positives: float, *, gaps: tuple[float, float], shared: float = 0.5, offset: float = 2.0
) -> Pair:
    """Independent rows, a share of them positive, and two scores in log odds with normal noise.

    `gaps` is by how much each score is higher for positives, `shared` the part of the variance of
    the noise that both have in common, -`offset` the mean of a negative's log odds.
    """
    random = np.random.default_rng(0)
    target = (random.random(POPULATION) < positives).astype("int64")
    both, *own = random.normal(size=(3, POPULATION))
    candidate, champion = (
        _probability(gap * target - offset + np.sqrt(shared) * both + np.sqrt(1 - shared) * noise)
        for gap, noise in zip(gaps, own, strict=True)
    )
    return Pair(pd.DataFrame({"y": target}), candidate, champion)


def of_customers() -> Pair:
    """10,000 customers with 1 to 39 rows; one in ten is compromised, and half its rows positive."""
    random = np.random.default_rng(0)
    customer = np.repeat(np.arange(10_000), random.integers(1, 40, 10_000))
    is_compromised = random.random(10_000) < 0.1
    target = (is_compromised[customer] & (random.random(len(customer)) < 0.5)).astype("int64")

    def scores(gap: float) -> Floats:
        of_customers = random.normal(size=10_000)[customer]
        return _probability(gap * target - 3 + of_customers + random.normal(size=len(customer)))

    rows = pd.DataFrame({"y": target, "customer": customer})
    return Pair(rows, scores(4.0), scores(3.5))


def of_numbers() -> Pair:
    """Independent rows whose target is log-normal, and two predictions with skewed errors."""
    random = np.random.default_rng(0)
    signal, rest, *own = random.normal(size=(4, POPULATION))
    target = np.exp(2 + 0.6 * signal + 0.4 * rest)
    candidate, champion = (
        np.exp(2 + 0.6 * signal + spread * noise)
        for spread, noise in zip((0.1, 0.2), own, strict=True)
    )
    return Pair(pd.DataFrame({"y": target}), candidate, champion)


def _probability(log_odds: Floats) -> Floats:
    probability: Floats = expit(log_odds)
    return probability


# Scenarios


def drawn_rows(population: Pair, count: int, metrics: Sequence[str], **sections: Any) -> Scenario:
    """Rows drawn from a population, with replacement."""

    def draw(random: Generator) -> Pair:
        return population.take(random.integers(len(population.rows), size=count))

    config = _config(metrics, **sections)
    return Scenario(config, draw, _truths(config, population))


def drawn_customers(population: Pair, count: int, metrics: Sequence[str]) -> Scenario:
    """Customers drawn from a population with all their rows; one drawn twice is two."""
    places = population.rows.groupby("customer").indices

    def draw(random: Generator) -> Pair:
        drawn = [places[number] for number in random.integers(len(places), size=count)]
        pair = population.take(np.concatenate(drawn))
        pair.rows["customer"] = np.repeat(np.arange(count), [len(rows) for rows in drawn])
        return pair

    config = _config(metrics, units=("customer",))
    return Scenario(config, draw, _truths(config, population))


def right_or_wrong(draw: Callable[[Generator], Pair], *units: str) -> Scenario:
    """Decisions that are right for 80 in 100 rows of the candidate's, for 77 of the champion's."""
    return Scenario(_config(["accuracy"], units=units), draw, {"accuracy": Truth(0.80, 0.77)})


def independent(random: Generator) -> Pair:
    """400 independent rows."""
    rows = pd.DataFrame({"y": random.integers(0, 2, 400)})
    return _decided(rows, random.normal(size=400), random.normal(size=400))


def clustered(random: Generator) -> Pair:
    """60 customers with 1 to 19 rows."""
    return _decided_by_customer(np.repeat(np.arange(60), random.integers(1, 20, 60)), random)


def few_units(random: Generator) -> Pair:
    """25 customers with 1 to 39 rows."""
    return _decided_by_customer(np.repeat(np.arange(25), random.integers(1, 40, 25)), random)


def fewer_units(random: Generator) -> Pair:
    """12 customers with 1 to 39 rows."""
    return _decided_by_customer(np.repeat(np.arange(12), random.integers(1, 40, 12)), random)


def crossed(random: Generator) -> Pair:
    """900 rows of 40 customers at 40 terminals; each explains a quarter of a row's hardness."""
    rows = pd.DataFrame(
        {
            "customer": random.integers(0, 40, 900),
            "terminal": random.integers(0, 40, 900),
            "y": random.integers(0, 2, 900),
        }
    )

    def hardness() -> Floats:
        of_customers = np.sqrt(0.25) * random.normal(size=40)[rows["customer"]]
        of_terminals = np.sqrt(0.25) * random.normal(size=40)[rows["terminal"]]
        of_rows = np.sqrt(0.5) * random.normal(size=900)
        return of_customers + of_terminals + of_rows

    return _decided(rows, hardness(), hardness())


def _decided_by_customer(customers: np.ndarray, random: Generator) -> Pair:
    """A row of each listed customer; half of the variance of its hardness is the customer's."""
    rows = pd.DataFrame({"customer": customers, "y": random.integers(0, 2, len(customers))})
    count = int(customers.max()) + 1

    def hardness() -> Floats:
        of_customers = np.sqrt(0.5) * random.normal(size=count)[customers]
        of_rows = np.sqrt(0.5) * random.normal(size=len(customers))
        return of_customers + of_rows

    return _decided(rows, hardness(), hardness())


def _decided(rows: pd.DataFrame, hardness: Floats, champion_noise: Floats) -> Pair:
    """Scores that decide 80 of 100 rows as the target says for the candidate, 77 for the champion.

    Both have a standard normal hardness for each row, and the two are correlated.
    """
    target = rows["y"].to_numpy()

    def scores(is_right: np.ndarray) -> Floats:
        return np.where(is_right, target, 1 - target) * 0.8 + 0.1

    candidate = scores(hardness < QUANTILE_OF_80)
    champion = scores(_correlated(hardness, champion_noise) < QUANTILE_OF_77)
    return Pair(rows, candidate, champion)


def _correlated(hardness: Floats, noise: Floats) -> Floats:
    """A standard normal variable that has CORRELATION with the hardness."""
    return CORRELATION * hardness + np.sqrt(1 - CORRELATION**2) * noise


def _config(
    metrics: Sequence[str], units: Sequence[str] = (), kind: str = "binary", **sections: Any
) -> ModelConfig:
    """A gate that measures each metric, and its difference to the champion's."""
    rules: list[dict[str, Any]] = []
    for metric in metrics:
        rules += [
            {"metric": metric, "at_least": 0.0},
            {"metric": metric, "better_than": "champion"},
        ]
    if "cost" in metrics:
        sections["threshold"] = {"minimise": "cost", "false_negative": 10}
    if kind != "binary":
        sections["train"] = {"estimator": "sklearn.linear_model.LinearRegression"}
    return config_of(
        *rules,
        kind=kind,
        columns=dict.fromkeys(units, "int64") | {"y": "float64" if kind != "binary" else "int64"},
        comparison={"units": list(units), "confidence": CONFIDENCE},
        **sections,
    )


def _truths(config: ModelConfig, population: Pair) -> dict[str, Truth]:
    """Each metric of both versions on the population itself."""
    rows = population.rows
    versions = [
        pd.Series(scores, index=rows.index)
        for scores in (population.candidate, population.champion)
    ]
    return {
        metric: Truth(*(measure_built_in(metric, config, rows, scores, 0.5) for scores in versions))
        for metric in config.metric_names
    }


SCENARIOS: dict[str, Callable[[], Scenario]] = {
    "200 rows, 13 positives": lambda: drawn_rows(
        of_scores(0.067, gaps=(2.5, 2.0)), 200, OF_SCORES + OF_DECISIONS
    ),
    "1,000 rows, 67 positives": lambda: drawn_rows(
        of_scores(0.067, gaps=(2.5, 2.0)), 1_000, OF_SCORES + OF_DECISIONS
    ),
    "2,000 rows, 10 positives": lambda: drawn_rows(
        of_scores(0.005, gaps=(3.5, 3.0), offset=3), 2_000, OF_SCORES + OF_DECISIONS
    ),
    "1,000 rows, two nearly equal models": lambda: drawn_rows(
        of_scores(0.067, gaps=(2.5, 2.5), shared=0.98), 1_000, OF_SCORES + OF_DECISIONS
    ),
    "200 rows, numbers": lambda: drawn_rows(of_numbers(), 200, OF_NUMBERS, kind="regression"),
    "1,000 rows, numbers": lambda: drawn_rows(of_numbers(), 1_000, OF_NUMBERS, kind="regression"),
    "60 customers, 6 with positives": lambda: drawn_customers(
        of_customers(), 60, OF_SCORES + OF_DECISIONS
    ),
    "300 customers, 30 with positives": lambda: drawn_customers(
        of_customers(), 300, OF_SCORES + OF_DECISIONS
    ),
    "400 decisions": lambda: right_or_wrong(independent),
    "decisions on 60 customers": lambda: right_or_wrong(clustered, "customer"),
    "decisions on 25 customers": lambda: right_or_wrong(few_units, "customer"),
    "decisions on 12 customers": lambda: right_or_wrong(fewer_units, "customer"),
    "decisions, 40 customers x 40 terminals": lambda: right_or_wrong(
        crossed, "customer", "terminal"
    ),
}


# Coverage


class Held(NamedTuple):
    """Which bounds were on the right side of the truth, or how often each was, from 0 to 1."""

    metric_low: float
    metric_high: float
    difference_low: float
    difference_high: float


class Coverage(NamedTuple):
    """How often bounds held, in which share of the draws there were any, and how wide they were.

    `reach` is the mean distance of a difference's bounds from it, in its true standard errors.
    """

    held: Held
    judged: float
    reach: float


def coverage(scenario: Scenario, draws: int) -> dict[str, Coverage]:
    """The coverage of each metric's bounds, among the draws that could be judged."""
    held: dict[str, list[Held]] = {metric: [] for metric in scenario.truths}
    differences: dict[str, list[Estimate]] = {metric: [] for metric in scenario.truths}
    for number in range(draws):
        pair = scenario.draw(np.random.default_rng([0, number]))
        contest = contest_of(
            scenario.config, pair.rows, candidate=pair.candidate, champion=pair.champion
        )
        estimates = [of_rule for _, (of_rule,) in compare(contest, LEVELS).estimates]
        pairs_of_rules = zip(estimates[::2], estimates[1::2], strict=True)
        for metric, (alone, difference) in zip(held, pairs_of_rules, strict=True):
            if isinstance(alone, Estimate) and isinstance(difference, Estimate):
                truth = scenario.truths[metric]
                differences[metric].append(difference)
                gained = truth.candidate - truth.champion
                gained = gained if difference.greater_is_better else -gained
                held[metric].append(
                    Held(*_holds(alone, truth.candidate), *_holds(difference, gained))
                )
    return {
        metric: Coverage(
            Held(*np.mean(held[metric], axis=0)),
            len(held[metric]) / draws,
            _reach(differences[metric]),
        )
        for metric in held
        if held[metric]
    }


def _reach(differences: Sequence[Estimate]) -> float:
    standard_error = np.std([each.spare for each in differences])
    return float(np.mean([(each.high - each.low) / 2 for each in differences]) / standard_error)


def _holds(estimate: Estimate, truth: float) -> tuple[bool, bool]:
    """Whether the lower and the upper bound are on their side of the truth, but for rounding."""
    return estimate.low <= truth + 1e-12, estimate.high >= truth - 1e-12


def promoted_though_worse(draws: int) -> float:
    """The share of candidates that pass although they are worse by twice the margin.

    On 1,500 rows the candidate is right on 74 of 100, the champion on 80.
    """
    config = config_of({"metric": "accuracy", "not_worse_than": "champion", "by": MARGIN})
    rows = pd.DataFrame({"y": np.ones(1_500, dtype="int64")})
    passed = 0
    for number in range(draws):
        random = np.random.default_rng([1, number])
        hardness, champion_noise = random.normal(size=(2, 1_500))
        candidate_is_right = hardness < QUANTILE_OF_74
        champion_is_right = _correlated(hardness, champion_noise) < QUANTILE_OF_80
        candidate = np.where(candidate_is_right, 0.9, 0.1)
        champion = np.where(champion_is_right, 0.9, 0.1)
        contest = contest_of(config, rows, candidate=candidate, champion=champion)
        passed += gate.decide(compare(contest, LEVELS).estimates).passed
    return passed / draws


def _coverage_of(name: str, draws: int) -> dict[str, Coverage]:
    return coverage(SCENARIOS[name](), draws)


def report(draws: int = DRAWS, names: Sequence[str] = ()) -> None:
    """Print the coverage of each scenario: of the lower bound / of the upper bound."""
    reach = 100 * 1.96 * np.sqrt(CONFIDENCE * (1 - CONFIDENCE) / draws)
    title = f"95% bounds held, of 100, in {draws:,} draws (+-{reach:.1f})"
    table = Table("scenario", "metric", "of the metric", "of the difference", title=title, box=None)
    chosen = names or tuple(SCENARIOS)
    with ProcessPoolExecutor() as processes:
        of_scenarios = list(processes.map(_coverage_of, chosen, repeat(draws)))
    for name, of_metrics in zip(chosen, of_scenarios, strict=True):
        for metric, (held, _, _) in of_metrics.items():
            metric_low, metric_high, low, high = (f"{100 * share:.1f}" for share in held)
            table.add_row(name, metric, f"{metric_low} / {metric_high}", f"{low} / {high}")
    Console(width=120).print(table)
    promoted = 1000 * promoted_though_worse(draws)
    print(f"let through though worse by twice the margin: {promoted:.1f} in 1,000, of {draws:,}")


if __name__ == "__main__":
    report(int(sys.argv[1]) if sys.argv[1:] else DRAWS, sys.argv[2:])
