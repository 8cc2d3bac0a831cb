"""What a training run leaves in MLflow: its parameters, its data, its evaluation, its pictures.

Not here: the model's files (models.py), the version (registry.py).
"""

import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import pandas as pd
from mlflow import MlflowClient
from sklearn.pipeline import Pipeline

from configs.schema import FilesSource
from tasks.data import digests
from tasks.data.labels import count_of
from tasks.data.splits import Parts
from tasks.model import plots
from tasks.model.evaluation import Evaluation
from tasks.model.plots import Judged
from tasks.model.scores import as_table
from tasks.records import ValidationReport
from tasks.tracking import rows, runs
from tasks.tracking.plans import Plan
from tasks.tracking.runs import Run


def record_report(client: MlflowClient, run: Run, report: ValidationReport) -> None:
    """The report of one stage of validation, as JSON, with its counts as metrics."""
    client.log_text(run.id, json.dumps(asdict(report), indent=1, default=str, allow_nan=False), f"validation/{report.stage}.json")
    counts = {"checks": len(report.outcomes), "failed": len(report.failures)}
    runs.log_metrics(client, run, {f"validation/{report.stage}_{name}": float(count) for name, count in counts.items()})


def record_data(client: MlflowClient, run: Run, plan: Plan, raw: pd.DataFrame, parts: Parts) -> dict[str, str]:
    """The params of this run, among them the digests under which its data are known; what later comparisons need is kept."""
    config = plan.config
    facts: dict[str, object] = {
        "data_digest": digests.of_rows(raw),
        "data_rows": len(raw),
        **{f"train_{name}": count for name, count in count_of(config, parts.train).items()},
        "train_keys_sha256": rows.keep(client, run.experiment, parts.train[[config.data.key]]),
    }
    if not parts.holdout.empty:
        facts |= {
            **{f"holdout_{name}": count for name, count in count_of(config, parts.holdout).items()},
            "holdout_left_out": parts.left_out,
            "holdout_sha256": rows.keep(client, run.experiment, _holdout_with_history(plan, raw, parts)),
        }
    runs.log_params(client, run, {**plan.params, **facts})
    for part, frame in (("training", parts.train), ("holdout", parts.holdout)):
        if not frame.empty:
            profile = {**count_of(config, frame), "plan": str(plan)}
            source = config.data.source.path if isinstance(config.data.source, FilesSource) else config.data.source.function
            runs.log_dataset(client, run, f"{config.name} {part}", digests.of_rows(frame), source, part, profile)
    return {name: str(fact) for name, fact in facts.items()}


def record_evaluation(client: MlflowClient, run: Run, plan: Plan, model: Pipeline, parts: Parts, evaluation: Evaluation) -> None:
    """Metrics of both parts, predictions on the holdout, the hooks' source, and the pictures."""
    measured = {"train": evaluation.train, "holdout": evaluation.holdout}
    measured |= {f"baseline_{name}": found for name, found in evaluation.baselines.items()}
    runs.log_metrics(client, run, {f"{of}/{name}": value for of, found in measured.items() for name, value in found.items()})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if plan.hooks.source:
            (folder / "hooks.py").write_text(plan.hooks.source, encoding="utf-8")
        (folder / "config.json").write_text(plan.config.model_dump_json(indent=1, exclude_none=True), encoding="utf-8")
        if not parts.holdout.empty:
            judged = parts.holdout[[plan.config.data.key, plan.config.data.target]].join(as_table(evaluation.scores))
            judged.to_parquet(folder / "holdout_predictions.parquet", index=False)
            shown = Judged(model, plan.config, parts.holdout, evaluation.scores)
            plots.draw(shown, plots.measure_importance(shown), folder)
        runs.log_files(client, run, folder)


def _holdout_with_history(plan: Plan, raw: pd.DataFrame, parts: Parts) -> pd.DataFrame:
    """The raw rows that `prepare` needs to compute the holdout again, with those that are judged marked."""
    if plan.window is None:
        needed = raw.loc[parts.holdout.index]
    else:
        history_start = plan.window.holdout_start - (plan.window.train_start - plan.window.history_start)
        needed = raw[raw[plan.config.data.time] >= history_start]
    return needed.assign(**{rows.JUDGED: needed.index.isin(parts.holdout.index)})
