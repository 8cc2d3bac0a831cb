"""The whole chain from daily files to a registered version, on 1, 10, 100 times the demo's rows, beside a script that a person would write.

Each runs in a process of its own, against the same MLflow server. The model is a logistic regression: how long a forest takes says
nothing about us.
"""

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from configs.settings import SHIPPED_MODELS, Settings
from deployments.stack import stack

DAYS = 60
START = date(2026, 1, 1)
AS_OF = START + timedelta(days=DAYS)
CUSTOMERS, TERMINALS = 5_000, 10_000
ESTIMATOR = "sklearn.linear_model.LogisticRegression"


@dataclass(frozen=True)
class Cost:
    """What a process spent; `steps` are seconds and peak MB until then by step."""

    wall: float
    cpu: float
    peak_mb: float
    steps: dict[str, tuple[float, float]]


def compare_chains(scales: list[int]) -> None:
    table = Table(
        "whole chain, rows",
        "wall s",
        "x script",
        "CPU s",
        "x script",
        "peak MB",
        "x script",
        box=None,
    )
    by_step: dict[str, dict[int, tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(
            ratchet_home=Path(home),
            ratchet_models=_models(Path(home, "models")),
            ratchet_mlflow_port=0,
            ratchet_prefect_port=0,
        )
        with stack(settings, lambda _: None, runners=False) as running:
            servers = {
                "MLFLOW_TRACKING_URI": running.mlflow_url,
                "PREFECT_API_URL": running.prefect_url,
            }
            environment = {
                **os.environ,
                **settings.environment(),
                **servers,
                "PREFECT_HOME": f"{home}/client",
                "PREFECT_LOGGING_LEVEL": "WARNING",
            }
            for scale in scales:
                data = Path(home, f"data{scale}")
                rows = int(
                    _run("write", str(data / "transactions"), str(scale), environment=environment)
                )
                scaled = environment | {"RATCHET_DATA": str(data)}
                ours, script = (
                    Cost(**json.loads(_run(what, environment=scaled)))
                    for what in ("flow", "script")
                )
                pairs = (
                    (ours.wall, script.wall),
                    (ours.cpu, script.cpu),
                    (ours.peak_mb, script.peak_mb),
                )
                table.add_row(
                    f"{rows:,}",
                    *(
                        text
                        for mine, plain in pairs
                        for text in (f"{mine:,.1f}", f"{mine / plain:.2f}")
                    ),
                )
                for name, spent in ours.steps.items():
                    by_step.setdefault(name, {})[scale] = spent
    console = Console(width=110)
    console.print(table)
    steps = Table("step", *(f"x {scale}, s (peak MB)" for scale in scales), box=None)
    for name, spent in by_step.items():
        steps.add_row(
            name,
            *(
                f"{spent[scale][0]:.1f} ({spent[scale][1]:,.0f})" if scale in spent else "-"
                for scale in scales
            ),
        )
    console.print(steps)


def _models(folder: Path) -> Path:
    """The shipped model that asks for no promotion."""
    folder.mkdir()
    for suffix in ("yaml", "py"):
        text = (SHIPPED_MODELS / f"fraud_detector.{suffix}").read_text()
        (folder / f"fraud_detector.{suffix}").write_text(
            re.sub("promotion: {.*}", "promotion: {ask: manual}", text)
        )
    return folder


def _run(*arguments: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.chain", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} ended {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout.splitlines()[-1]


def write(folder: str, scale: str) -> None:
    """Daily files of a town `scale` times the demo's, never more than one town or one day of all in memory."""
    import pandas as pd

    from tasks.data.simulation import simulate, write_days

    rows, whole = 0, Path(folder)
    towns = [whole.with_name(f"town{number}") for number in range(int(scale))]
    for number, town in enumerate(towns):
        one = simulate(DAYS, seed=number, start=START, customers=CUSTOMERS, terminals=TERMINALS)
        one["CUSTOMER_ID"] += number * CUSTOMERS
        one["TERMINAL_ID"] += number * TERMINALS
        one["TRANSACTION_ID"] += number * 100_000_000
        write_days(one, town)
        rows += len(one)
    for day in sorted(file.name for file in towns[0].iterdir()):
        write_days(
            pd.concat([pd.read_parquet(town / day) for town in towns], ignore_index=True), whole
        )
        for town in towns:
            (town / day).unlink()
    print(rows)


def flow() -> None:
    """One run of train_candidate in this process."""
    began = time.monotonic()
    from mlflow import MlflowClient

    from flows.training import train_candidate

    state = train_candidate(
        model="fraud_detector",
        as_of=AS_OF,
        overrides=[f"train.estimator={ESTIMATOR}", "train.params={}"],
        return_state=True,
    )
    if state.name != "Registered":
        raise RuntimeError(str(state))
    client = MlflowClient()
    experiment = client.get_experiment_by_name("fraud_detector")
    assert experiment
    metrics = client.search_runs([experiment.experiment_id], max_results=1)[
        0
    ].data.metrics  # the newest run's
    names = [name.removeprefix("seconds/") for name in metrics if name.startswith("seconds/")]
    _print_cost(
        began, {name: (metrics[f"seconds/{name}"], metrics[f"peak_mb/{name}"]) for name in names}
    )


def script() -> None:
    """What a person would write who needs the model today: the same features, model, metrics, pictures and registration."""
    began = time.monotonic()
    import importlib.util

    import matplotlib as mpl
    import mlflow
    import pandas as pd
    from sklearn import metrics
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from configs.reading import read_model

    mpl.use("Agg")
    settings = Settings()
    features = list(read_model("fraud_detector", settings).data.features)
    spec = importlib.util.spec_from_file_location("hooks", settings.models / "fraud_detector.py")
    assert spec
    assert spec.loader
    hooks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hooks)

    columns = [
        "TRANSACTION_ID",
        "TX_DATETIME",
        "CUSTOMER_ID",
        "TERMINAL_ID",
        "TX_AMOUNT",
        "TX_FRAUD",
    ]
    raw = pd.concat(
        [
            pd.read_parquet(file, columns=columns)
            for file in sorted((settings.data / "transactions").glob("*.parquet"))
        ]
    )
    assert raw["TX_AMOUNT"].notna().all()
    assert raw["TRANSACTION_ID"].is_unique
    rows = hooks.add_window_features(raw.reset_index(drop=True))
    end = pd.Timestamp(AS_OF)
    train = rows[
        rows["TX_DATETIME"].between(
            end - pd.Timedelta(days=21), end - pd.Timedelta(days=14), inclusive="left"
        )
    ]
    holdout = rows[rows["TX_DATETIME"].between(end - pd.Timedelta(days=7), end, inclusive="left")]
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(
        train[features], train["TX_FRAUD"]
    )
    scores = model.predict_proba(holdout[features])[:, 1]
    truth = holdout["TX_FRAUD"]

    mlflow.set_experiment("script")
    with mlflow.start_run():
        mlflow.log_params({"estimator": ESTIMATOR, "as_of": str(AS_OF)})
        for name in ("roc_auc_score", "average_precision_score", "log_loss", "brier_score_loss"):
            mlflow.log_metric(name, getattr(metrics, name)(truth, scores))
        for name in ("precision_score", "recall_score", "f1_score"):
            mlflow.log_metric(name, getattr(metrics, name)(truth, scores >= 0.5))
        for display in (metrics.RocCurveDisplay, metrics.PrecisionRecallDisplay):
            mlflow.log_figure(
                display.from_predictions(truth, scores).figure_, f"{display.__name__}.png"
            )
        decided = metrics.ConfusionMatrixDisplay.from_predictions(truth, scores >= 0.5)
        mlflow.log_figure(decided.figure_, "confusion_matrix.png")
        mlflow.sklearn.log_model(
            model, name="model", registered_model_name="script", pip_requirements=["mlflow", "scikit-learn"], serialization_format="cloudpickle",
            signature=mlflow.models.infer_signature(train[features].head(1000), model.predict(train[features].head(1000))),
        )  # fmt: skip
    _print_cost(began, {})


def _print_cost(began: float, steps: dict[str, Any]) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    cost = Cost(
        time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, steps
    )
    print(json.dumps(asdict(cost)))


if __name__ == "__main__":
    {"write": write, "flow": flow, "script": script}[sys.argv[1]](*sys.argv[2:])
