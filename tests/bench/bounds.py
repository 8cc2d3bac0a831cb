"""Bounds of six metrics of three models on a week of transactions, beside a plain loop over scikit-learn: 2,000 replicates each.

The loop runs LOOPED of them and is taken times as many. `python -m tests.bench.bounds`
"""

import json
import resource
import subprocess
import sys
import time

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from sklearn import metrics

from tasks.comparison.bounds import FEWEST_REPLICATES, Levels
from tasks.comparison.comparison import compare
from tests.contests import config_of, contest_of

ROWS, POSITIVES = 58_264, 0.0066
NAMES = ("average_precision", "roc_auc", "log_loss", "brier_score", "accuracy", "f1")
LOOPED = 20


def made() -> tuple[pd.DataFrame, list[np.ndarray]]:
    random = np.random.default_rng(0)
    target = (random.random(ROWS) < POSITIVES).astype("int64")
    return pd.DataFrame({"y": target}), [
        1 / (1 + np.exp(4 - gap * target - random.normal(size=ROWS))) for gap in (3.0, 2.8, 2.6)
    ]


def ours() -> None:
    rows, (candidate, champion, reference) = made()
    rules = [
        {"metric": name, "better_than": role}
        for name in NAMES
        for role in ("champion", "reference")
    ]
    compare(
        contest_of(
            config_of(*rules), rows, candidate=candidate, champion=champion, reference=reference
        ),
        Levels(0.05, 0.05),
    )


def loop() -> None:
    rows, scores = made()
    target, random = rows["y"].to_numpy(), np.random.default_rng(0)
    on_scores = (
        metrics.average_precision_score,
        metrics.roc_auc_score,
        metrics.log_loss,
        metrics.brier_score_loss,
    )
    for _ in range(LOOPED):
        drawn = random.integers(ROWS, size=ROWS)
        for each in scores:
            for measure in on_scores:
                measure(target[drawn], each[drawn])
            for decide in (metrics.accuracy_score, metrics.f1_score):
                decide(target[drawn], each[drawn] >= 0.5)


def compare_bounds() -> None:
    """Each in a process of its own: wall seconds of the work alone, and peak memory."""
    found = {
        name: json.loads(
            subprocess.run(
                [sys.executable, "-m", "tests.bench.bounds", name],
                capture_output=True,
                check=True,
                text=True,
            ).stdout
        )
        for name in WORK
    }
    seconds = {"ours": found["ours"][0], "loop": found["loop"][0] * FEWEST_REPLICATES / LOOPED}
    table = Table(
        f"{FEWEST_REPLICATES:,} replicates x {len(NAMES)} metrics x 3 models x {ROWS:,} rows",
        "wall s",
        "peak MB",
        box=None,
    )
    table.add_row("ours", f"{seconds['ours']:.1f}", f"{found['ours'][1]:,.0f}")
    table.add_row("a loop over scikit-learn", f"{seconds['loop']:.0f}", f"{found['loop'][1]:,.0f}")
    table.add_row("ratio", f"{seconds['loop'] / seconds['ours']:.0f} times faster", "")
    Console(width=100).print(table)


WORK = {"ours": ours, "loop": loop}

if __name__ == "__main__":
    if sys.argv[1:]:
        began = time.perf_counter()
        WORK[sys.argv[1]]()
        print(
            json.dumps(
                [
                    time.perf_counter() - began,
                    resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                ]
            )
        )
    else:
        compare_bounds()
