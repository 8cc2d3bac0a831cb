"""How often the bounds of a verdict hold what they promise, on data of which the truth is known.

A lower bound with 95 % must lie below the true difference 95 times in 100, whatever is not independent, however rare the positives.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.random import Generator
from rich.console import Console
from rich.table import Table

from tasks.comparison.bounds import Levels
from tasks.comparison.comparison import compare
from tasks.records import Estimate
from tasks.verdict import gate
from tests.contests import config_of, contest_of

PAIRS = 2_000
CONFIDENCE = 0.95
LEVELS = Levels(1 - CONFIDENCE, 1 - CONFIDENCE)

Pair = tuple[pd.DataFrame, Any, Any]


def independent(random: Generator) -> Pair:
    """400 rows, two scores that are right on 80 and 77 of 100, alike on most."""
    return _right_or_wrong(
        pd.DataFrame({"y": random.integers(0, 2, 400)}),
        random,
        random.normal(size=400),
        random.normal(size=400),
    )


def clustered(random: Generator) -> Pair:
    """60 customers with 1 to 19 rows; half of what makes a row hard for one model is the customer's."""
    customer = np.repeat(np.arange(60), random.integers(1, 20, 60))
    return _of_units(random, customer)


def few_units(random: Generator) -> Pair:
    """25 customers with 1 to 39 rows."""
    return _of_units(random, np.repeat(np.arange(25), random.integers(1, 40, 25)))


def crossed(random: Generator) -> Pair:
    """40 customers at 40 terminals, each with its own share in what is hard."""
    rows = pd.DataFrame(
        {
            "customer": random.integers(0, 40, 900),
            "terminal": random.integers(0, 40, 900),
            "y": random.integers(0, 2, 900),
        }
    )
    hard = [
        np.sqrt(0.25) * random.normal(size=40)[rows["customer"]]
        + np.sqrt(0.25) * random.normal(size=40)[rows["terminal"]]
        + np.sqrt(0.5) * random.normal(size=900)
        for _ in range(2)
    ]
    return _right_or_wrong(rows, random, *hard)


def rare(random: Generator) -> Pair:
    """6,000 rows, 1 in 100 positive, two scores that tell them apart by 2.0 and 1.8 standard deviations and share half their noise."""
    target = (random.random(6_000) < 0.01).astype("int64")
    shared, mine, theirs = random.normal(size=(3, 6_000))
    scores = [
        gap * target + np.sqrt(0.5) * shared + np.sqrt(0.5) * own
        for gap, own in ((2.0, mine), (1.8, theirs))
    ]
    candidate, champion = (1 / (1 + np.exp(2 - score)) for score in scores)
    return pd.DataFrame({"y": target}), candidate, champion


def _of_units(random: Generator, customer: Any) -> Pair:
    rows = pd.DataFrame({"customer": customer, "y": random.integers(0, 2, len(customer))})
    units = int(customer.max()) + 1
    hard = [
        np.sqrt(0.5) * random.normal(size=units)[customer]
        + np.sqrt(0.5) * random.normal(size=len(customer))
        for _ in range(2)
    ]
    return _right_or_wrong(rows, random, *hard)


def _right_or_wrong(rows: pd.DataFrame, random: Generator, mine: Any, theirs: Any) -> Pair:
    """Scores that are right where their hardness is below a line, so that each is right as often as it should: .80 and .77."""
    right = (mine < 0.8416, 0.7 * mine + np.sqrt(1 - 0.49) * theirs < 0.7388)
    target = rows["y"].to_numpy()
    candidate, champion = (np.where(ok, target, 1 - target) * 0.8 + 0.1 for ok in right)
    return rows, candidate, champion


# of each: how a pair is made, the metric, the true difference, what is not independent
SCENARIOS: dict[str, tuple[Callable[[Generator], Pair], str, float, list[str]]] = {
    "independent rows": (independent, "accuracy", 0.03, []),
    "clustered": (clustered, "accuracy", 0.03, ["customer"]),
    "25 units": (few_units, "accuracy", 0.03, ["customer"]),
    "crossed": (crossed, "accuracy", 0.03, ["customer", "terminal"]),
    "1 % positives": (rare, "roc_auc", 0.0, []),
}


def coverage(name: str, pairs: int, seed: int = 0) -> float:
    """The share of pairs whose lower bound lies below the true difference."""
    make, metric, truth, units = SCENARIOS[name]
    if metric == "roc_auc":  # of two normal distributions: Phi(gap / sqrt 2)
        from scipy.stats import norm

        truth = float(norm.cdf(2.0 / np.sqrt(2)) - norm.cdf(1.8 / np.sqrt(2)))
    columns = dict.fromkeys(units, "int64")
    config = config_of(
        {"metric": metric, "better_than": "champion"},
        columns=columns,
        comparison={"units": units, "confidence": CONFIDENCE},
    )
    held = 0
    for number in range(pairs):
        rows, candidate, champion = make(np.random.default_rng([seed, number]))
        compared = compare(
            contest_of(config, rows, candidate=candidate, champion=champion),
            LEVELS,
        )
        assert isinstance(compared.better, Estimate)
        held += compared.better.low <= truth
    return held / pairs


def promoted_though_worse(pairs: int, margin: float = 0.03) -> float:
    """The share of candidates let by that are worse by twice the margin: right on 74 of 100 of 1,500 rows, the champion on 80."""
    config = config_of({"metric": "accuracy", "not_worse_than": "champion", "by": margin})
    passed = 0
    for number in range(pairs):
        random = np.random.default_rng([1, number])
        mine, theirs = random.normal(size=(2, 1_500))
        right = mine < 0.6433, 0.7 * mine + np.sqrt(1 - 0.49) * theirs < 0.8416
        candidate, champion = (np.where(each, 0.9, 0.1) for each in right)
        rows = pd.DataFrame({"y": np.ones(1_500, dtype="int64")})
        found = compare(
            contest_of(config, rows, candidate=candidate, champion=champion),
            LEVELS,
        )
        passed += gate.decide(found.estimates).passed
    return passed / pairs


def report(pairs: int = PAIRS) -> None:
    table = Table("lower bounds with 95 %", "held, of 100", f"in {pairs:,} pairs: +-", box=None)
    for name in SCENARIOS:
        share = coverage(name, pairs)
        table.add_row(
            name, f"{100 * share:.1f}", f"{196 * np.sqrt(share * (1 - share) / pairs):.1f}"
        )
    Console(width=100).print(table)
    print(
        f"worse by twice the margin and let by: {1000 * promoted_though_worse(pairs):.1f} in 1,000, of {pairs:,}"
    )


if __name__ == "__main__":
    report(int(sys.argv[1]) if sys.argv[1:] else PAIRS)
