"""train_candidate: from rows to a registered version, which can never reach production by itself.

Here are the order of the steps, their names, retries and time-outs. Not here: any work (tasks/).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

from mlflow import MlflowClient
from prefect import flow
from prefect.artifacts import create_link_artifact
from prefect.client.orchestration import get_client
from prefect.runtime import flow_run
from pydantic import Field
from sklearn.base import BaseEstimator

from configs.settings import Settings
from flows import mirror
from flows.outcome import Outcome, publish_outcome
from flows.registration import day_of, register_candidate
from flows.runs import (
    MINUTE,
    artifact_key,
    connect,
    name_run,
    open_run,
    require_own_deployment,
)
from flows.steps import step
from flows.stopwatch import stopwatch
from tasks.data import blinding, selection, sources, splits, validation
from tasks.model import threshold, training
from tasks.model.evaluation import evaluate as evaluate_estimator
from tasks.model.partition_checks import check_partitions
from tasks.model.threshold import ThresholdChoice
from tasks.model.trained_model import TrainedModel
from tasks.records import ValidationReport
from tasks.tracking import model_files, plans, runs, training_record
from tasks.tracking.runs import Run
from tasks.tracking.training_record import TrainingRun

Override = Annotated[str, Field(pattern=r"^train\.[A-Za-z_][\w.]*=.+$")]


def _threshold_line(thresholded: tuple[BaseEstimator, ThresholdChoice | None]) -> str:
    _, choice = thresholded
    return str(choice) if choice else "0.5, as the YAML configures none"


settle = step(plans.settle, "settle", str, retries=3, timeout_seconds=5 * MINUTE)
load = step(
    sources.load,
    "load",
    lambda rows: f"{len(rows):,} rows",
    retries=3,
    timeout_seconds=60 * MINUTE,
)
select = step(selection.select, "select", str)
validate = step(validation.validate, "validate", str, timeout_seconds=60 * MINUTE)
record_checks = step(
    training_record.record_checks,
    "record checks",
    retries=3,
    timeout_seconds=5 * MINUTE,
)
prepare = step(
    blinding.prepare,
    "prepare",
    lambda rows: f"{len(rows.columns)} columns",
    timeout_seconds=60 * MINUTE,
)
split = step(splits.split, "split", str)
validate_split = step(check_partitions, "validate", str)
train = step(training.fit, "train", lambda pipeline: type(pipeline.named_steps["model"]).__name__)
choose_threshold = step(threshold.choose_threshold, "threshold", _threshold_line)
evaluate = step(evaluate_estimator, "evaluate", str)
sign = step(
    model_files.sign,
    "sign",
    lambda signed: f"model signature of {len(signed.sample.columns)} features",
)
record_data = step(
    training_record.record_data,
    "keep data",
    lambda facts: f"digest {facts['data_digest'][:8]}",
    retries=3,
    timeout_seconds=30 * MINUTE,
)
record_evaluation = step(
    training_record.record_evaluation,
    "record",
    retries=3,
    timeout_seconds=30 * MINUTE,
)
record_report = step(
    training_record.record_report,
    "report",
    retries=3,
    timeout_seconds=30 * MINUTE,
)
log_model = step(
    model_files.log_model,
    "log model",
    lambda logged: f"sha256 {logged.sha256[:8]}",
    retries=3,
    timeout_seconds=30 * MINUTE,
)


def first_run_name() -> str:
    """The name of a run until its plan is settled: what its day is may follow from the data."""
    requested_day = str(flow_run.parameters.get("as_of") or "newest")[:10]
    return _run_name(requested_day)


def _run_name(day: str) -> str:
    parameters = flow_run.parameters
    mode = "explore" if parameters.get("explore") else ""
    return name_run(parameters["model"], day, mode)


@flow(
    name="train_candidate",
    flow_run_name=first_run_name,
    retries=0,
    validate_parameters=True,
    **mirror.HOOKS,
)
@publish_outcome
def train_candidate(
    model: str,
    as_of: datetime | None = None,
    overrides: list[Override] = [],  # noqa: B006 Prefect's form needs a literal default
    explore: bool = False,
) -> Outcome:
    """Train a candidate, evaluate it on the holdout and register it.

    Then request its promotion, if the YAML says so.

    Args:
        model: The model to train.
        as_of: The end of the holdout, up to which labels are complete; by default the end of the
            newest day, minus the delay. Only for data that are split by time.
        overrides: Changes to `train` for this run alone, like train.params.n_estimators=200.
        explore: Log a run that reads no holdout and registers nothing.
    """
    require_own_deployment(model)
    settings = Settings()
    with stopwatch() as watch:
        training_run = begin(settings, model, as_of, overrides)
        plan, config = training_run.plan, training_run.config
        loaded = load(config, plan.window, settings.data, holdout=not explore)
        raw, _, left_out = select(config, loaded)
        on_raw = pass_checks(
            training_run, settings, validate(raw, config, plan.window, "raw", left_out)
        )
        rows = prepare(config, plan.hooks, raw, plan.window)
        on_rows = pass_checks(
            training_run, settings, validate(rows, config, plan.window, "features")
        )
        partitions = split(config, plan.hooks, rows, plan.window, holdout=not explore)
        on_split = pass_checks(training_run, settings, validate_split(partitions, config))

        pipeline = train(config, partitions.train)
        estimator, choice = choose_threshold(pipeline, config, partitions)
        evaluation = evaluate(estimator, config, plan.hooks, partitions)
        signed = sign(estimator, config, partitions.train)

        reports = (on_raw, on_rows, on_split)
        trained = TrainedModel(config, estimator, partitions, evaluation, choice, reports)
        facts = record_data(training_run, raw, partitions)
        record_evaluation(training_run, trained)
        record_report(training_run, trained, facts, watch.costs)
        logged = log_model(training_run.client, training_run.run, signed, config)
        log_costs(training_run, facts, watch.metrics())
        if explore:
            return Outcome("explored", f"explored {model}: {evaluation}")
        return register_candidate(training_run, settings, logged, evaluation)


def begin(
    settings: Settings, model: str, as_of: datetime | None, overrides: list[Override]
) -> TrainingRun:
    """Open the MLflow run, settle its plan, and name it after its day in both systems."""
    client = connect(settings)
    run = open_run(client, settings, model, first_run_name())
    plan = settle(client, run, settings, model, as_of, overrides)
    rename(client, run, _run_name(day_of(plan)))
    owned_description = f"{plan.config.description}. Owner: {plan.config.owner}."
    runs.describe_experiment(client, run.experiment, owned_description)
    return TrainingRun(client, run, plan)


def rename(client: MlflowClient, run: Run, name: str) -> None:
    """Give the run this name in both systems."""
    client.update_run(run.id, name=name)
    with get_client(sync_client=True) as prefect:
        prefect.update_flow_run(UUID(run.flow_run), name=name)


def pass_checks(
    training_run: TrainingRun, settings: Settings, report: ValidationReport
) -> ValidationReport:
    """The report, if no critical check of its stage failed; else raise DataRejected.

    Either way MLflow holds the report, and Prefect links to it.
    """
    run, plan, config = training_run.run, training_run.plan, training_run.config
    record_checks(training_run, report)
    page = settings.mlflow_run_page(run.experiment, run.id, f"validation/{report.stage}.html")
    key = artifact_key("checks", report.stage, config.name)
    create_link_artifact(key=key, link=page, link_text=str(report))
    validation.require_passed(report, config, plan.window, page)
    return report


def log_costs(
    training_run: TrainingRun, facts: Mapping[str, str], step_metrics: Mapping[str, float]
) -> None:
    """Log what the steps cost, beside the numbers of rows that explain it."""
    counts = {f"rows/{name}": float(facts[name]) for name in facts if name.endswith("_rows")}
    runs.log_metrics(training_run.client, training_run.run.id, {**step_metrics, **counts})
