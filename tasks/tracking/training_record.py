"""What a training run leaves in MLflow: its parameters, its data, its evaluation, its pictures.

Not here: the model's files (models.py), the version (registry.py).
"""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd
from mlflow import MlflowClient
from sklearn.base import BaseEstimator

from configs.data import FilesSource
from configs.model import ModelConfig
from tasks.data import digests
from tasks.data.labels import count_of
from tasks.data.splits import Partitions
from tasks.model import report
from tasks.model.evaluation import Evaluation
from tasks.model.scores import as_table
from tasks.model.threshold import Choice
from tasks.model.trained_model import TrainedModel
from tasks.pages import rendering
from tasks.records import ValidationReport
from tasks.tracking import runs, stored_rows
from tasks.tracking.plans import Plan
from tasks.tracking.runs import Run


def record_checks(client: MlflowClient, run: Run, plan: Plan, checked: ValidationReport) -> None:
    """The report of one stage of validation, as JSON and as a page, with its counts as metrics."""
    client.log_text(
        run.id,
        json.dumps(asdict(checked), indent=1, default=str, allow_nan=False),
        f"validation/{checked.stage}.json",
    )
    page = rendering.render(
        "validation.html", model=plan.config.name, data=str(plan), report=checked
    )
    client.log_text(run.id, page, f"validation/{checked.stage}.html")
    counts = {"checks": len(checked.outcomes), "failed": len(checked.failures)}
    runs.log_metrics(
        client,
        run.id,
        {f"validation/{checked.stage}_{name}": float(count) for name, count in counts.items()},
    )


def record_data(
    client: MlflowClient, run: Run, plan: Plan, raw: pd.DataFrame, partitions: Partitions
) -> dict[str, str]:
    """The params of this run, among them the digests under which its data are known; what later comparisons need is kept."""
    config = plan.config
    facts: dict[str, object] = {
        "data_digest": digests.of_rows(raw),
        "data_rows": len(raw),
        **{f"train_{name}": count for name, count in count_of(config, partitions.train).items()},
        "train_keys_sha256": stored_rows.store(client, run.experiment, _seen(config, partitions)),
    }
    if not partitions.holdout.empty:
        facts |= {
            **{
                f"holdout_{name}": count
                for name, count in count_of(config, partitions.holdout).items()
            },
            "holdout_left_out": partitions.left_out,
            "holdout_sha256": stored_rows.store(
                client, run.experiment, _holdout_with_history(plan, raw, partitions)
            ),
        }
    runs.log_params(client, run, {**plan.params, **facts})
    for part, frame in (("training", partitions.train), ("holdout", partitions.holdout)):
        if not frame.empty:
            profile = {**count_of(config, frame), "plan": str(plan)}
            source = (
                config.data.source.path
                if isinstance(config.data.source, FilesSource)
                else config.data.source.function
            )
            runs.log_dataset(
                client, run, f"{config.name} {part}", digests.of_rows(frame), source, part, profile
            )
    return {name: str(fact) for name, fact in facts.items()}


def record_evaluation(
    client: MlflowClient,
    run: Run,
    plan: Plan,
    partitions: Partitions,
    evaluation: Evaluation,
    chosen: Choice | None,
) -> None:
    """Metrics of both partitions and of the baselines, the threshold, predictions on the holdout, the configuration and the hooks' source."""
    measured = {"train": evaluation.train, "holdout": evaluation.holdout}
    measured |= {f"baseline_{name}": found for name, found in evaluation.baselines.items()}
    runs.log_metrics(
        client,
        run.id,
        {f"{of}/{name}": value for of, found in measured.items() for name, value in found.items()},
    )
    if chosen:
        client.log_dict(run.id, asdict(chosen), "threshold.json")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if plan.hooks.source:
            (folder / "hooks.py").write_text(plan.hooks.source, encoding="utf-8")
        (folder / "config.json").write_text(
            plan.config.model_dump_json(indent=1, exclude_none=True), encoding="utf-8"
        )
        if not partitions.holdout.empty:
            evaluated = partitions.holdout[[plan.config.data.key, plan.config.data.target]].join(
                as_table(evaluation.scores)
            )
            evaluated.to_parquet(folder / "holdout_predictions.parquet", index=False)
        runs.log_files(client, run, folder)


def record_training_report(
    client: MlflowClient,
    run: Run,
    plan: Plan,
    model: BaseEstimator,
    partitions: Partitions,
    evaluation: Evaluation,
    chosen: Choice | None,
    checked: Sequence[ValidationReport],
    facts: Mapping[str, str],
    steps: Mapping[str, tuple[float, float]],
) -> None:
    """report.html and its pictures; nothing for a run that read no holdout."""
    if partitions.holdout.empty:
        return
    as_of = f" --as-of {plan.as_of.isoformat()}" if plan.as_of else ""
    again: dict[str, object] = {
        "command": f"ratchet train {plan.config.name}{as_of}",
        "train": plan.config.train.model_dump_json(exclude_defaults=True),
        "plan": str(plan),
        **{
            name: str(plan.params[name])
            for name in ("git_commit", "git_dirty", "config_digest", "lock_digest")
            if name in plan.params
        },
        "data_digest": facts["data_digest"],
    }
    with tempfile.TemporaryDirectory() as name:
        trained = TrainedModel(plan.config, model, partitions, evaluation, chosen, tuple(checked))
        report.write(trained, again, steps, Path(name))
        runs.log_files(client, run, Path(name))


def _seen(config: ModelConfig, partitions: Partitions) -> pd.DataFrame:
    """The keys of the rows that shaped the model: no later holdout may hold them."""
    chosen_on = (
        partitions.delay[[config.data.key]]
        if config.threshold and not partitions.delay.empty
        else None
    )
    return pd.concat([partitions.train[[config.data.key]], chosen_on])


def _holdout_with_history(plan: Plan, raw: pd.DataFrame, partitions: Partitions) -> pd.DataFrame:
    """The raw rows that `prepare` needs to compute the holdout again, with those that are evaluated marked."""
    if plan.window is None:
        needed = raw.loc[partitions.holdout.index]
    else:
        history_start = plan.window.holdout_start - (
            plan.window.train_start - plan.window.history_start
        )
        needed = raw[raw[plan.config.data.time] >= history_start]
    return needed.assign(**{stored_rows.JUDGED: needed.index.isin(partitions.holdout.index)})
