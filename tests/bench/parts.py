"""CPU seconds of each part of our work beside a plain way to do the same, in turn, in this run."""

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import average_precision_score

from configs.checks import Check
from configs.reading import hooks_path, read_model
from configs.settings import Settings
from tasks.data import digests, files, hooks, simulation, sources, splits, validation
from tasks.model import evaluation, training

ROUNDS = 3
DAYS = 60
CHECKS: list[tuple[str, dict[str, float]]] = [
    ("column_values_to_not_be_null", {}),
    ("column_values_to_be_between", {"min_value": 0}),
    ("column_max_to_be_between", {"min_value": 0}),
    ("column_mean_to_be_between", {"min_value": 0}),
]
START = date(2026, 1, 1)


def cpu_seconds(work: Callable[[], object]) -> float:
    before = os.times()
    work()
    after = os.times()
    return (after.user + after.system + after.children_user + after.children_system) - (
        before.user + before.system + before.children_user + before.children_system
    )


def command(*arguments: str) -> Callable[[], object]:
    return lambda: subprocess.run([sys.executable, *arguments], capture_output=True, check=True)


def compare_parts() -> None:
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(ratchet_home=Path(home))
        rows = simulation.simulate(DAYS, start=START)
        simulation.write_days(rows, settings.data / "transactions")
        config = read_model("fraud_detector", settings)
        window = splits.window_until(
            config, datetime.combine(START, datetime.min.time()) + timedelta(days=DAYS)
        )
        raw = sources.load(config, window, settings.data)
        own = hooks.load_hooks(config, hooks_path(config.name, settings))
        prepared = hooks.prepare(config, own, raw)
        parts = splits.split(config, own, prepared, window)
        features, target = list(config.data.features), config.data.target

        million = pd.concat([raw, raw], ignore_index=True).head(1_000_000)
        numbers = ("CUSTOMER_ID", "TERMINAL_ID", "TX_AMOUNT", "TX_FRAUD", "TRANSACTION_ID")
        checks = [
            Check(
                id=f"{column.lower().replace('_', '-')}-{number}",
                expect=expect,
                column=column,
                **arguments,
            )
            for column in numbers
            for number, (expect, arguments) in enumerate(CHECKS)
        ]

        def plain_windows() -> object:
            """The customers' part alone, by pandas' rolling windows."""
            by_time = (
                raw.sort_values(["CUSTOMER_ID", "TX_DATETIME"])
                .set_index("TX_DATETIME")
                .groupby("CUSTOMER_ID")["TX_AMOUNT"]
            )
            return [by_time.rolling(f"{days}D").agg(["count", "mean"]) for days in (1, 7, 30)]

        def plain_checks() -> object:
            return [
                (raw[name].isna().sum(), raw[name].min(), raw[name].max())
                for name in config.data.columns
                for _ in range(4)
            ]

        def plain_model() -> object:
            forest = RandomForestClassifier(random_state=0).fit(
                parts.train[features], parts.train[target]
            )
            return average_precision_score(
                parts.holdout[target], forest.predict_proba(parts.holdout[features])[:, 1]
            )

        def our_model() -> object:
            return evaluation.evaluate(training.fit(config, parts.train), config, own, parts)

        validation.validate(
            raw.head(1000), config, window, "raw"
        )  # Great Expectations' import is not the checks' cost
        pairs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
            f"load {len(raw):,} rows (read_parquet)": (
                lambda: sources.load(config, window, settings.data),
                lambda: pd.concat(
                    [
                        pd.read_parquet(str(file))
                        for file in files.find(config.data.source, settings.data)
                    ]
                ),
            ),
            "14 window features (rolling, 6 of them)": (
                lambda: hooks.prepare(config, own, raw),
                plain_windows,
            ),
            "validate raw rows (pandas reductions)": (
                lambda: validation.validate(raw, config, window, "raw"),
                plain_checks,
            ),
            "20 checks on 1,000,000 rows (pandas reductions)": (
                lambda: validation.check_expectations(million, checks, config),
                lambda: [
                    (
                        million["TX_AMOUNT"].isna().sum(),
                        million["TX_AMOUNT"].max(),
                        million["TX_AMOUNT"].mean(),
                    )
                    for _ in range(7)
                ],
            ),
            "digest of all rows (sum of a column)": (
                lambda: digests.of_rows(raw),
                lambda: raw["TX_AMOUNT"].sum(),
            ),
            "train and evaluate (forest, one metric)": (our_model, plain_model),
            "ratchet --help (python -c pass)": (
                command("-m", "deployments.commands", "--help"),
                command("-c", "pass"),
            ),
            "ratchet status (python -c pass)": (
                command("-m", "deployments.commands", "status"),
                command("-c", "pass"),
            ),
            "ratchet config check (python -c pass)": (
                command("-m", "deployments.commands", "config", "check"),
                command("-c", "pass"),
            ),
        }
        report(pairs)


def report(pairs: dict[str, tuple[Callable[[], object], Callable[[], object]]]) -> None:
    table = Table("ours (baseline)", "ours, CPU s", "baseline", "ratio", box=None)
    for name, (ours, baseline) in pairs.items():
        measured = [(cpu_seconds(ours), cpu_seconds(baseline)) for _ in range(ROUNDS)]
        mine, plain = (statistics.median(column) for column in zip(*measured, strict=True))
        table.add_row(name, f"{mine:.2f}", f"{plain:.2f}", f"{mine / max(plain, 0.005):.1f}")
    Console(width=100).print(table)
