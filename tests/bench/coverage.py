"""How often the bounds of a verdict hold what they promise, on data whose truth is known.

A lower 95% bound must lie below the true difference 95 times in 100, whichever rows depend on each
other and however rare the positives are.

    python -m tests.bench.coverage [PAIRS]

Not here: whether a gate made of such bounds helps in production (gating.py).
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.random import Generator
from rich.console import Console
from rich.table import Table
from scipy.stats import norm

from tasks.comparison.bounds import Levels
from tasks.comparison.comparison import compare
from tasks.records import Estimate
from tasks.verdict import gate
from tests.contests import Floats, config_of, contest_of

PAIRS = 2_000
CONFIDENCE = 0.95
LEVELS = Levels(1 - CONFIDENCE, 1 - CONFIDENCE)

# how far the two scores of `rare` are apart on positives and negatives, in standard deviations
CANDIDATE_GAP = 2.0
CHAMPION_GAP = 1.8

# an answer is right where its standard normal hardness is below the quantile of its accuracy
QUANTILE_OF_74 = 0.6433
QUANTILE_OF_77 = 0.7388
QUANTILE_OF_80 = 0.8416
# how the hardness of a row for the champion follows its hardness for the candidate
CORRELATION = 0.7

# of the rule that candidates meet which are worse by twice as much
MARGIN = 0.03


@dataclass(frozen=True)
class Pair:
    """Rows with a target `y`, and the scores of a candidate and a champion on them."""

    rows: pd.DataFrame
    candidate: Floats
    champion: Floats


@dataclass(frozen=True)
class Scenario:
    """How pairs are made, their true difference in a metric, and the columns of their units."""

    make_pair: Callable[[Generator], Pair]
    metric: str
    true_difference: float
    units: tuple[str, ...] = ()


def independent(random: Generator) -> Pair:
    """400 independent rows."""
    rows = pd.DataFrame({"y": random.integers(0, 2, 400)})
    return _right_or_wrong(rows, random.normal(size=400), random.normal(size=400))


def clustered(random: Generator) -> Pair:
    """60 customers with 1 to 19 rows."""
    return _of_customers(np.repeat(np.arange(60), random.integers(1, 20, 60)), random)


def few_units(random: Generator) -> Pair:
    """25 customers with 1 to 39 rows."""
    return _of_customers(np.repeat(np.arange(25), random.integers(1, 40, 25)), random)


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

    return _right_or_wrong(rows, hardness(), hardness())


def rare(random: Generator) -> Pair:
    """6,000 rows, 1 in 100 positive, and two scores that share half the variance of their noise."""
    target = (random.random(6_000) < 0.01).astype("int64")
    shared_noise, candidate_noise, champion_noise = random.normal(size=(3, 6_000))

    def scores(gap: float, own_noise: Floats) -> Floats:
        log_odds = gap * target + np.sqrt(0.5) * shared_noise + np.sqrt(0.5) * own_noise
        return 1 / (1 + np.exp(2 - log_odds))

    candidate = scores(CANDIDATE_GAP, candidate_noise)
    champion = scores(CHAMPION_GAP, champion_noise)
    return Pair(pd.DataFrame({"y": target}), candidate, champion)


def _of_customers(customers: np.ndarray, random: Generator) -> Pair:
    """A row of each listed customer; half of the variance of its hardness is the customer's."""
    rows = pd.DataFrame({"customer": customers, "y": random.integers(0, 2, len(customers))})
    count = int(customers.max()) + 1

    def hardness() -> Floats:
        of_customers = np.sqrt(0.5) * random.normal(size=count)[customers]
        of_rows = np.sqrt(0.5) * random.normal(size=len(customers))
        return of_customers + of_rows

    return _right_or_wrong(rows, hardness(), hardness())


def _right_or_wrong(rows: pd.DataFrame, hardness: Floats, champion_noise: Floats) -> Pair:
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


def _roc_auc(gap: float) -> float:
    """The ROC AUC of two normal distributions `gap` standard deviations apart."""
    return float(norm.cdf(gap / np.sqrt(2)))


SCENARIOS: dict[str, Scenario] = {
    "independent rows": Scenario(independent, "accuracy", 0.03),
    "clustered": Scenario(clustered, "accuracy", 0.03, ("customer",)),
    "25 units": Scenario(few_units, "accuracy", 0.03, ("customer",)),
    "crossed": Scenario(crossed, "accuracy", 0.03, ("customer", "terminal")),
    "1% positives": Scenario(rare, "roc_auc", _roc_auc(CANDIDATE_GAP) - _roc_auc(CHAMPION_GAP)),
}


def coverage(name: str, pairs: int) -> float:
    """The share of pairs whose lower bound lies below the true difference."""
    true_difference = SCENARIOS[name].true_difference
    return sum(each.low <= true_difference for each in differences(name, pairs)) / pairs


def differences(name: str, pairs: int) -> Iterator[Estimate]:
    """The estimated difference of each of a scenario's pairs."""
    scenario = SCENARIOS[name]
    config = config_of(
        {"metric": scenario.metric, "better_than": "champion"},
        columns=dict.fromkeys(scenario.units, "int64"),
        comparison={"units": list(scenario.units), "confidence": CONFIDENCE},
    )
    for number in range(pairs):
        pair = scenario.make_pair(np.random.default_rng([0, number]))
        contest = contest_of(config, pair.rows, candidate=pair.candidate, champion=pair.champion)
        difference = compare(contest, LEVELS).better
        assert isinstance(difference, Estimate)
        yield difference


def promoted_though_worse(pairs: int) -> float:
    """The share of candidates that pass although they are worse by twice the margin.

    On 1,500 rows the candidate is right on 74 of 100, the champion on 80.
    """
    config = config_of({"metric": "accuracy", "not_worse_than": "champion", "by": MARGIN})
    rows = pd.DataFrame({"y": np.ones(1_500, dtype="int64")})
    passed = 0
    for number in range(pairs):
        random = np.random.default_rng([1, number])
        hardness, champion_noise = random.normal(size=(2, 1_500))
        candidate_is_right = hardness < QUANTILE_OF_74
        champion_is_right = _correlated(hardness, champion_noise) < QUANTILE_OF_80
        candidate = np.where(candidate_is_right, 0.9, 0.1)
        champion = np.where(champion_is_right, 0.9, 0.1)
        contest = contest_of(config, rows, candidate=candidate, champion=champion)
        passed += gate.decide(compare(contest, LEVELS).estimates).passed
    return passed / pairs


def report(pairs: int = PAIRS) -> None:
    """Print the coverage of each scenario, with the reach of its own 95% interval."""
    table = Table("lower 95% bounds", "held, of 100", f"in {pairs:,} pairs: +-", box=None)
    for name in SCENARIOS:
        share = coverage(name, pairs)
        reach = 1.96 * np.sqrt(share * (1 - share) / pairs)
        table.add_row(name, f"{100 * share:.1f}", f"{100 * reach:.1f}")
    Console(width=100).print(table)
    promoted = 1000 * promoted_though_worse(pairs)
    print(f"let through though worse by twice the margin: {promoted:.1f} in 1,000, of {pairs:,}")


if __name__ == "__main__":
    report(int(sys.argv[1]) if sys.argv[1:] else PAIRS)
