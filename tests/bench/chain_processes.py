"""What the benchmark of the whole chain runs in processes of their own: data, flow and script.

    python -m tests.bench.chain_processes write FOLDER SCALE|flow|script

Each prints its answer on its last line: the number of rows, or its cost as JSON.
Not here: who starts them and compares their costs (chain.py).
"""

import json
import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from configs.settings import Settings

# what the flow and the script import is part of what they cost
if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

MODEL = "fraud_detector"
DAYS = 60
START = date(2026, 1, 1)
AS_OF = START + timedelta(days=DAYS)
CUSTOMERS, TERMINALS = 5_000, 10_000
# between the keys of two towns
TRANSACTION_IDS = 100_000_000
ESTIMATOR = "sklearn.linear_model.LogisticRegression"
RAW_COLUMNS = [
    "TRANSACTION_ID",
    "TX_DATETIME",
    "CUSTOMER_ID",
    "TERMINAL_ID",
    "TX_AMOUNT",
    "TX_FRAUD",
]
METRICS_OF_SCORES = ("roc_auc_score", "average_precision_score", "log_loss", "brier_score_loss")
METRICS_OF_DECISIONS = ("precision_score", "recall_score", "f1_score")


@dataclass(frozen=True)
class StepCost:
    """The seconds of a step, and the peak memory of its process until its end."""

    seconds: float
    peak_mb: float


@dataclass(frozen=True)
class Cost:
    """What a process spent in all, and in each step that it reports."""

    wall: float
    cpu: float
    peak_mb: float
    steps: dict[str, StepCost] = field(default_factory=dict)


def write(folder: str, scale: str) -> None:
    """Write the daily files of `scale` towns of the demo's size; print how many rows they have.

    At most one town, or one day of all towns, is in memory at a time.
    """
    import pandas as pd

    from tasks.data.simulation import write_days

    whole = Path(folder)
    towns = [whole.with_name(f"town{number}") for number in range(int(scale))]
    rows = sum(_write_town(number, town) for number, town in enumerate(towns))
    for day in sorted(file.name for file in towns[0].iterdir()):
        of_towns = [pd.read_parquet(town / day) for town in towns]
        write_days(pd.concat(of_towns, ignore_index=True), whole)
        for town in towns:
            (town / day).unlink()
    print(rows)


def _write_town(number: int, folder: Path) -> int:
    """Write one town with keys of its own; return its number of rows."""
    from tasks.data.simulation import simulate, write_days

    town = simulate(DAYS, seed=number, start=START, customers=CUSTOMERS, terminals=TERMINALS)
    town["CUSTOMER_ID"] += number * CUSTOMERS
    town["TERMINAL_ID"] += number * TERMINALS
    town["TRANSACTION_ID"] += number * TRANSACTION_IDS
    write_days(town, folder)
    return len(town)


def flow() -> None:
    """Run train_candidate once in this process; print its cost."""
    began = time.monotonic()
    from mlflow import MlflowClient

    from flows.training import train_candidate

    state = train_candidate(
        model=MODEL,
        as_of=AS_OF,
        overrides=[f"train.estimator={ESTIMATOR}", "train.params={}"],
        return_state=True,
    )
    if state.name != "Registered":
        raise RuntimeError(str(state))
    client = MlflowClient()
    experiment = client.get_experiment_by_name(MODEL)
    assert experiment
    newest_run = client.search_runs([experiment.experiment_id], max_results=1)[0]
    _print_cost(began, _steps_in(newest_run.data.metrics))


def _steps_in(metrics: Mapping[str, float]) -> dict[str, StepCost]:
    """The cost of each step that a training run recorded among its metrics."""
    names = [name.removeprefix("seconds/") for name in metrics if name.startswith("seconds/")]
    return {
        name: StepCost(metrics[f"seconds/{name}"], metrics[f"peak_mb/{name}"]) for name in names
    }


def script() -> None:
    """Do what a person would write who needs the model today; print its cost.

    It has the same features, model, metrics, pictures and registration.
    """
    began = time.monotonic()
    import matplotlib as mpl
    import pandas as pd
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from configs.reading import read_model

    mpl.use("Agg")
    settings = Settings()
    features = list(read_model(MODEL, settings).data.features)
    hooks = _import_hooks(settings)
    rows = hooks.add_window_features(_read_transactions(settings.data / "transactions"))
    times = rows["TX_DATETIME"]
    end = pd.Timestamp(AS_OF)
    train_start, train_end = end - pd.Timedelta(days=21), end - pd.Timedelta(days=14)
    holdout_start = end - pd.Timedelta(days=7)
    train = rows[times.between(train_start, train_end, inclusive="left")]
    holdout = rows[times.between(holdout_start, end, inclusive="left")]
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    pipeline.fit(train[features], train["TX_FRAUD"])
    scores = pipeline.predict_proba(holdout[features])[:, 1]
    _log_to_mlflow(pipeline, train[features].head(1000), holdout["TX_FRAUD"], scores)
    _print_cost(began)


def _import_hooks(settings: Settings) -> ModuleType:
    import importlib.util

    spec = importlib.util.spec_from_file_location("hooks", settings.models / f"{MODEL}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _read_transactions(folder: Path) -> "pd.DataFrame":
    """All rows of the daily files, checked as a person would."""
    import pandas as pd

    files = sorted(folder.glob("*.parquet"))
    raw = pd.concat([pd.read_parquet(file, columns=RAW_COLUMNS) for file in files])
    assert raw["TX_AMOUNT"].notna().all()
    assert raw["TRANSACTION_ID"].is_unique
    return raw.reset_index(drop=True)


def _log_to_mlflow(
    pipeline: "Pipeline", sample: "pd.DataFrame", target: "pd.Series[int]", scores: Any
) -> None:
    """Log the metrics and pictures of a fitted pipeline, and register it."""
    import mlflow
    from sklearn import metrics

    mlflow.set_experiment("script")
    with mlflow.start_run():
        mlflow.log_params({"estimator": ESTIMATOR, "as_of": str(AS_OF)})
        decisions = scores >= 0.5
        for name in METRICS_OF_SCORES:
            mlflow.log_metric(name, getattr(metrics, name)(target, scores))
        for name in METRICS_OF_DECISIONS:
            mlflow.log_metric(name, getattr(metrics, name)(target, decisions))
        for curve in (metrics.RocCurveDisplay, metrics.PrecisionRecallDisplay):
            figure = curve.from_predictions(target, scores).figure_
            mlflow.log_figure(figure, f"{curve.__name__}.png")
        matrix = metrics.ConfusionMatrixDisplay.from_predictions(target, decisions)
        mlflow.log_figure(matrix.figure_, "confusion_matrix.png")
        mlflow.sklearn.log_model(
            pipeline,
            name="model",
            registered_model_name="script",
            pip_requirements=["mlflow", "scikit-learn"],
            serialization_format="cloudpickle",
            signature=mlflow.models.infer_signature(sample, pipeline.predict(sample)),
        )


def _print_cost(began: float, steps: dict[str, StepCost] | None = None) -> None:
    """Print what this process has spent, as JSON."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    cost = Cost(
        wall=time.monotonic() - began,
        cpu=used.ru_utime + used.ru_stime,
        peak_mb=used.ru_maxrss / 1024,
        steps=steps or {},
    )
    print(json.dumps(asdict(cost)))


if __name__ == "__main__":
    {"write": write, "flow": flow, "script": script}[sys.argv[1]](*sys.argv[2:])
