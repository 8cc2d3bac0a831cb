"""All bounds of one comparison, beside a plain loop over scikit-learn: seconds and memory.

Six metrics of three versions on a week of transactions, with 2,000 resamples. The loop draws only
LOOPED resamples, and its seconds are scaled up.

    python -m tests.bench.bounds

Not here: whether the bounds hold (coverage.py).
"""

import json
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from sklearn import metrics

from tasks.comparison.bounds import FEWEST_REPLICATES, Levels
from tasks.comparison.comparison import compare
from tests.contests import Floats, config_of, contest_of

ROWS = 58_264
POSITIVE_SHARE = 0.0066
METRICS = ("average_precision", "roc_auc", "log_loss", "brier_score", "accuracy", "f1")
# by how much the scores of each version tell positives from negatives, in log odds
GAPS = {"candidate": 3.0, "champion": 2.8, "reference": 2.6}
LOOPED = 20

# the same six metrics, by their functions
OF_SCORES = (
    metrics.average_precision_score,
    metrics.roc_auc_score,
    metrics.log_loss,
    metrics.brier_score_loss,
)
OF_DECISIONS = (metrics.accuracy_score, metrics.f1_score)


@dataclass(frozen=True)
class Cost:
    """What a process spent on its work, without its imports: seconds, and peak memory."""

    seconds: float
    peak_mb: float


def make_scores() -> tuple[pd.DataFrame, dict[str, Floats]]:
    """Rows with a rare positive target `y`, and each version's scores of them."""
    random = np.random.default_rng(0)
    target = (random.random(ROWS) < POSITIVE_SHARE).astype("int64")
    scores = {}
    for role, gap in GAPS.items():
        noise = random.normal(size=ROWS)
        scores[role] = 1 / (1 + np.exp(4 - gap * target - noise))
    return pd.DataFrame({"y": target}), scores


def compare_as_ratchet_does() -> None:
    rows, scores = make_scores()
    rules: list[dict[str, Any]] = []
    for metric in METRICS:
        rules.append({"metric": metric, "better_than": "champion"})
        rules.append({"metric": metric, "better_than": "reference"})
    contest = contest_of(config_of(*rules), rows, **scores)
    compare(contest, Levels(0.05, 0.05))


def loop_over_resamples() -> None:
    rows, scores = make_scores()
    target = rows["y"].to_numpy()
    random = np.random.default_rng(0)
    for _ in range(LOOPED):
        drawn = random.integers(ROWS, size=ROWS)
        for scores_of_version in scores.values():
            _measure(target[drawn], scores_of_version[drawn])


def _measure(target: np.ndarray, scores: Floats) -> None:
    for measure in OF_SCORES:
        measure(target, scores)
    decisions = scores >= 0.5
    for measure in OF_DECISIONS:
        measure(target, decisions)


WORK = {"ours": compare_as_ratchet_does, "loop": loop_over_resamples}


def compare_bounds() -> None:
    """Print what each way costs, in a process of its own."""
    ours, loop = _cost_in_own_process("ours"), _cost_in_own_process("loop")
    loop_seconds = loop.seconds * FEWEST_REPLICATES / LOOPED
    size = f"{len(METRICS)} metrics x {len(GAPS)} versions x {ROWS:,} rows"
    table = Table(f"{FEWEST_REPLICATES:,} resamples x {size}", "wall s", "peak MB", box=None)
    table.add_row("ours", f"{ours.seconds:.1f}", f"{ours.peak_mb:,.0f}")
    table.add_row("a loop over scikit-learn", f"{loop_seconds:.0f}", f"{loop.peak_mb:,.0f}")
    table.add_row("ratio", f"{loop_seconds / ours.seconds:.0f} times faster", "")
    Console(width=100).print(table)


def _cost_in_own_process(work: str) -> Cost:
    command = [sys.executable, "-m", "tests.bench.bounds", work]
    answer = subprocess.run(command, capture_output=True, check=True, text=True)
    return Cost(**json.loads(answer.stdout))


def _print_cost(work: str) -> None:
    """Do the work and print its cost as JSON, for the process that compares."""
    began = time.perf_counter()
    WORK[work]()
    seconds = time.perf_counter() - began
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(asdict(Cost(seconds, peak_mb))))


if __name__ == "__main__":
    if sys.argv[1:]:
        _print_cost(sys.argv[1])
    else:
        compare_bounds()
