"""CPU seconds of each part of ratchet, beside a plain way to do the same, in turn, in this run.

Not here: the parts together (chain.py), bounds (bounds.py).
"""

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import average_precision_score

from configs.checks import Check
from configs.model import ModelConfig
from configs.reading import hooks_path, read_model
from configs.settings import Settings
from tasks.data import digests, files, hooks, simulation, sources, splits, validation
from tasks.data.hooks import Hooks
from tasks.model import evaluation, training
from tasks.records import Window

ROUNDS = 3
DAYS = 60
START = date(2026, 1, 1)
NUMBER_COLUMNS = ("CUSTOMER_ID", "TERMINAL_ID", "TX_AMOUNT", "TX_FRAUD", "TRANSACTION_ID")
# each is checked on each of these columns
EXPECTATIONS: tuple[tuple[str, dict[str, float]], ...] = (
    ("column_values_to_not_be_null", {}),
    ("column_values_to_be_between", {"min_value": 0}),
    ("column_max_to_be_between", {"min_value": 0}),
    ("column_mean_to_be_between", {"min_value": 0}),
)

Work = Callable[[], object]


@dataclass(frozen=True)
class Part:
    """One part of ratchet, and a plain way to do the same."""

    name: str
    ours: Work
    baseline: Work


@dataclass(frozen=True)
class Model:
    """The shipped model, with the raw rows that it is trained on."""

    config: ModelConfig
    hooks: Hooks
    data: Path
    window: Window
    raw: pd.DataFrame


def compare_parts() -> None:
    """Print what each part costs, on the rows of a demo."""
    with tempfile.TemporaryDirectory() as home:
        model = _read_demo_model(Settings(ratchet_home=Path(home)))
        # Great Expectations' import is not the checks' cost
        validation.validate(model.raw.head(1000), model.config, model.window, "raw")
        _print_costs([*_data_parts(model), _check_part(model), _model_part(model), *_commands()])


def _read_demo_model(settings: Settings) -> Model:
    """Write transactions like the demo's, and read them as a training run would."""
    rows = simulation.simulate(DAYS, start=START)
    simulation.write_days(rows, settings.data / "transactions")
    config = read_model("fraud_detector", settings)
    midnight = datetime.combine(START, datetime.min.time())
    window = splits.window_until(config, midnight + timedelta(days=DAYS))
    raw = sources.load(config, window, settings.data)
    own_hooks = hooks.load_hooks(config, hooks_path(config.name, settings))
    return Model(config, own_hooks, settings.data, window, raw)


def _data_parts(model: Model) -> Iterator[Part]:
    config, raw = model.config, model.raw
    yield Part(
        f"load {len(raw):,} rows (read_parquet)",
        lambda: sources.load(config, model.window, model.data),
        lambda: _read_parquet(model),
    )
    yield Part(
        "14 window features (rolling, 6 of them)",
        lambda: hooks.prepare(config, model.hooks, raw),
        lambda: _rolling_windows(raw),
    )
    yield Part(
        "validate raw rows (pandas reductions)",
        lambda: validation.validate(raw, config, model.window, "raw"),
        lambda: _reductions(raw, list(config.data.columns)),
    )
    yield Part(
        "digest of all rows (sum of a column)",
        lambda: digests.of_rows(raw),
        lambda: raw["TX_AMOUNT"].sum(),
    )


def _read_parquet(model: Model) -> pd.DataFrame:
    source_files = files.find(model.config.data.source, model.data)
    return pd.concat([pd.read_parquet(str(file)) for file in source_files])


def _rolling_windows(raw: pd.DataFrame) -> list[pd.DataFrame]:
    """The windows of customers alone, by pandas' rolling windows."""
    by_time = raw.sort_values(["CUSTOMER_ID", "TX_DATETIME"]).set_index("TX_DATETIME")
    amounts = by_time.groupby("CUSTOMER_ID")["TX_AMOUNT"]
    return [amounts.rolling(f"{days}D").agg(["count", "mean"]) for days in (1, 7, 30)]


def _reductions(raw: pd.DataFrame, columns: list[str]) -> None:
    for column in columns * 4:
        raw[column].isna().sum()
        raw[column].min()
        raw[column].max()


def _check_part(model: Model) -> Part:
    many = pd.concat([model.raw, model.raw], ignore_index=True).head(1_000_000)
    checks = list(_checks_of_numbers())
    return Part(
        f"{len(checks)} checks on {len(many):,} rows (pandas reductions)",
        lambda: validation.check_expectations(many, checks, model.config),
        lambda: _reductions_of_amount(many),
    )


def _checks_of_numbers() -> Iterator[Check]:
    for column in NUMBER_COLUMNS:
        for number, (expect, arguments) in enumerate(EXPECTATIONS):
            check_id = f"{column.lower().replace('_', '-')}-{number}"
            yield Check(id=check_id, expect=expect, column=column, **arguments)


def _reductions_of_amount(rows: pd.DataFrame) -> None:
    for _ in range(7):
        rows["TX_AMOUNT"].isna().sum()
        rows["TX_AMOUNT"].max()
        rows["TX_AMOUNT"].mean()


def _model_part(model: Model) -> Part:
    config = model.config
    prepared = hooks.prepare(config, model.hooks, model.raw)
    partitions = splits.split(config, model.hooks, prepared, model.window)
    train, holdout = partitions.train, partitions.holdout
    features, target = list(config.data.features), config.data.target

    def ours() -> object:
        pipeline = training.fit(config, train)
        return evaluation.evaluate(pipeline, config, model.hooks, partitions)

    def baseline() -> object:
        forest = RandomForestClassifier(random_state=0).fit(train[features], train[target])
        scores = forest.predict_proba(holdout[features])[:, 1]
        return average_precision_score(holdout[target], scores)

    return Part("train and evaluate (forest, one metric)", ours, baseline)


def _commands() -> Iterator[Part]:
    for arguments in ("--help", "status", "config check"):
        yield Part(
            f"ratchet {arguments} (python -c pass)",
            _python("-m", "deployments.commands", *arguments.split()),
            _python("-c", "pass"),
        )


def _python(*arguments: str) -> Work:
    command = [sys.executable, *arguments]
    return lambda: subprocess.run(command, capture_output=True, check=True)


def _print_costs(parts: Iterable[Part]) -> None:
    table = Table("ours (baseline)", "ours, CPU s", "baseline", "ratio", box=None)
    for part in parts:
        ours, baseline = _median_cpu_seconds(part)
        ratio = ours / max(baseline, 0.005)
        table.add_row(part.name, f"{ours:.2f}", f"{baseline:.2f}", f"{ratio:.1f}")
    Console(width=100).print(table)


def _median_cpu_seconds(part: Part) -> tuple[float, float]:
    """The median of ours and of the baseline, measured in turn."""
    ours, baseline = [], []
    for _ in range(ROUNDS):
        ours.append(cpu_seconds(part.ours))
        baseline.append(cpu_seconds(part.baseline))
    return statistics.median(ours), statistics.median(baseline)


def cpu_seconds(work: Work) -> float:
    """The CPU seconds of this process and its children for this work."""
    before = _cpu_seconds_so_far()
    work()
    return _cpu_seconds_so_far() - before


def _cpu_seconds_so_far() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
