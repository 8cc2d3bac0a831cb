"""What a training run records in MLflow: its parameters, data, checks, evaluation and report.

Not here: the model's files (model_files.py), the version (registry.py), how the report looks
(tasks/model/report.py).
"""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag

from configs.model import ModelConfig
from tasks.data import digests
from tasks.data.labels import row_counts
from tasks.data.splits import Partitions
from tasks.model import baselines, report
from tasks.model.evaluation import Evaluation
from tasks.model.scores import as_table
from tasks.model.trained_model import TrainedModel
from tasks.pages import rendering
from tasks.records import ValidationReport
from tasks.tracking import runs, stored_rows
from tasks.tracking.plans import Plan
from tasks.tracking.runs import Run

# MLflow stores 36 characters of a digest
DIGEST_CHARACTERS = 32


@dataclass(frozen=True)
class TrainingRun:
    """What a training run is recorded with: MLflow's client, its MLflow run, and its plan."""

    client: MlflowClient
    run: Run
    plan: Plan

    @property
    def config(self) -> ModelConfig:
        return self.plan.config


def record_checks(training: TrainingRun, checks: ValidationReport) -> None:
    """Record one stage of validation as JSON and as a page, with its counts as metrics."""
    client, run_id = training.client, training.run.id
    document = json.dumps(asdict(checks), indent=1, default=str, allow_nan=False)
    client.log_text(run_id, document, f"validation/{checks.stage}.json")
    page = rendering.render(
        "validation.html", model=training.config.name, data=str(training.plan), report=checks
    )
    client.log_text(run_id, page, f"validation/{checks.stage}.html")
    counts = {
        f"validation/{checks.stage}_checks": float(len(checks.outcomes)),
        f"validation/{checks.stage}_failed": float(len(checks.failures)),
    }
    runs.log_metrics(client, run_id, counts)


def record_data(training: TrainingRun, raw: pd.DataFrame, partitions: Partitions) -> dict[str, str]:
    """Record the data, and store the rows that later comparisons need.

    Returns what is known of the data: counts, and the digests under which rows are found again.
    RunChanged when an earlier attempt of this run had other data.
    """
    facts = _data_facts(training, raw, partitions)
    runs.log_params(training.client, training.run, {**training.plan.params, **facts})
    for name, rows in (("training", partitions.train), ("holdout", partitions.holdout)):
        if not rows.empty:
            _log_dataset(training, name, rows)
    return facts


def record_evaluation(training: TrainingRun, trained: TrainedModel) -> None:
    """Record what later readers need of the evaluation, the configuration and the hooks.

    The metrics of both partitions and of the baselines, the choice of the threshold, and files:
    predictions on the holdout, the configuration, the hooks' source. The scores of the baselines
    are stored as rows that later comparisons need.
    """
    client, run_id = training.client, training.run.id
    runs.log_metrics(client, run_id, _metrics_of(trained.evaluation))
    if trained.threshold:
        client.log_dict(run_id, asdict(trained.threshold), "threshold.json")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_config_and_hooks(training.plan, folder)
        holdout = trained.partitions.holdout
        if not holdout.empty:
            predictions = _predictions(training.config, holdout, trained.evaluation)
            predictions.to_parquet(folder / "holdout_predictions.parquet", index=False)
            keys = holdout[training.config.data.key]
            table = baselines.as_one_table(keys, trained.evaluation.baseline_scores)
            sha256 = _store(training, table)
            runs.log_params(client, training.run, {"baselines_sha256": sha256})
        client.log_artifacts(run_id, name)


def record_report(
    training: TrainingRun,
    trained: TrainedModel,
    facts: Mapping[str, str],
    steps: Mapping[str, tuple[float, float]],
) -> None:
    """Record report.html and its pictures; nothing for a run that read no holdout.

    `facts` are those of `record_data`; `steps` the seconds and peak MB of each step so far.
    """
    if trained.partitions.holdout.empty:
        return
    recipe = _recipe(training.plan, facts["data_digest"])
    with tempfile.TemporaryDirectory() as folder:
        report.write(trained, recipe, steps, Path(folder))
        training.client.log_artifacts(training.run.id, folder)


def _data_facts(training: TrainingRun, raw: pd.DataFrame, partitions: Partitions) -> dict[str, str]:
    """Counts and digests by their names in MLflow; the rows of the digests are stored."""
    config, holdout = training.config, partitions.holdout
    facts: dict[str, object] = {"data_digest": digests.of_rows(raw), "data_rows": len(raw)}
    for name, count in row_counts(config, partitions.train).known.items():
        facts[f"train_{name}"] = count
    facts["train_keys_sha256"] = _store(training, _training_keys(config, partitions))
    if not holdout.empty:
        for name, count in row_counts(config, holdout).known.items():
            facts[f"holdout_{name}"] = count
        facts["holdout_left_out"] = partitions.left_out
        with_history = _holdout_with_history(training.plan, raw, holdout)
        facts["holdout_sha256"] = _store(training, with_history)
    return {name: str(fact) for name, fact in facts.items()}


def _store(training: TrainingRun, rows: pd.DataFrame) -> str:
    return stored_rows.store(training.client, training.run.experiment, rows)


def _training_keys(config: ModelConfig, partitions: Partitions) -> pd.DataFrame:
    """The keys of the rows that shaped the model, as one column: no later holdout may hold them."""
    key = [config.data.key]
    keys = [partitions.train[key]]
    if config.threshold and not partitions.delay.empty:
        # the threshold was chosen on them
        keys.append(partitions.delay[key])
    return pd.concat(keys)


def _holdout_with_history(plan: Plan, raw: pd.DataFrame, holdout: pd.DataFrame) -> pd.DataFrame:
    """The raw rows from which `prepare` computes the holdout again, the holdout's own marked."""
    if plan.window is None:
        needed = raw.loc[holdout.index]
    else:
        history = plan.window.train_start - plan.window.history_start
        times = raw[plan.config.data.time]
        needed = raw[times >= plan.window.holdout_start - history]
    return needed.assign(**{stored_rows.IS_HOLDOUT: needed.index.isin(holdout.index)})


def _log_dataset(training: TrainingRun, name: str, rows: pd.DataFrame) -> None:
    """Log these rows as a dataset that the run used."""
    config = training.config
    profile = {**row_counts(config, rows).known, "plan": str(training.plan)}
    dataset = Dataset(
        name=f"{config.name} {name}",
        digest=digests.of_rows(rows)[:DIGEST_CHARACTERS],
        source_type="local",
        source=json.dumps({"uri": str(config.data.source)}),
        profile=json.dumps(profile),
    )
    context = InputTag("mlflow.data.context", name)
    training.client.log_inputs(training.run.id, [DatasetInput(dataset, [context])])


def _metrics_of(evaluation: Evaluation) -> dict[str, float]:
    """All metrics by their names in MLflow, such as holdout/roc_auc or baseline_mean/r2."""
    groups = {"train": evaluation.train, "holdout": evaluation.holdout}
    for baseline, metrics in evaluation.baselines.items():
        groups[f"baseline_{baseline}"] = metrics
    return {
        f"{group}/{name}": value
        for group, metrics in groups.items()
        for name, value in metrics.items()
    }


def _write_config_and_hooks(plan: Plan, folder: Path) -> None:
    config = plan.config.model_dump_json(indent=1, exclude_none=True)
    (folder / "config.json").write_text(config, encoding="utf-8")
    if plan.hooks.source:
        (folder / "hooks.py").write_text(plan.hooks.source, encoding="utf-8")


def _predictions(
    config: ModelConfig, holdout: pd.DataFrame, evaluation: Evaluation
) -> pd.DataFrame:
    """The key, the target and the scores of each row of the holdout."""
    rows = holdout[[config.data.key, config.data.target]]
    return rows.join(as_table(evaluation.scores))


def _recipe(plan: Plan, data_digest: str) -> dict[str, object]:
    """What is needed to train this model again, by the names that the report shows."""
    as_of = f" --as-of {plan.as_of.isoformat()}" if plan.as_of else ""
    in_git = [name for name in ("git_commit", "git_dirty") if name in plan.code]
    return {
        "command": f"ratchet train {plan.config.name}{as_of}",
        "train": plan.config.train.model_dump_json(exclude_defaults=True),
        "plan": str(plan),
        **{name: plan.code[name] for name in in_git},
        "config_digest": plan.config_digest,
        "lock_digest": plan.code["lock_digest"],
        "data_digest": data_digest,
    }
