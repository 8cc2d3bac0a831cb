"""train_candidate: from rows to a registered version that may ask for its promotion, and can never reach production.

Here are the order, the names, the retries and the time-outs. Not here: any work (tasks/).
"""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from mlflow import MlflowClient
from pandas import DataFrame
from prefect import flow
from prefect.artifacts import create_link_artifact, create_markdown_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed
from pydantic import Field

from configs.settings import Settings
from flows import mirror
from flows.runs import (
    MINUTE,
    connect,
    flow_url,
    open_run,
    request_promotion,
    require_own_deployment,
)
from flows.steps import spent, spent_as_metrics, step
from tasks.data import hooks, sources, splits, validation
from tasks.data.validation import Stage
from tasks.model import evaluation, threshold, training
from tasks.records import ValidationReport
from tasks.tracking import model_files, plans, registry, runs, training_record
from tasks.tracking.plans import Plan
from tasks.tracking.runs import Run
from tasks.tracking.training_record import TrainingResult, TrainingRun

Override = Annotated[str, Field(pattern=r"^train\.[A-Za-z_][\w.]*=.+$")]

settle = step(plans.settle, "settle", str, retries=3, timeout_seconds=5 * MINUTE)
load = step(
    sources.load, "load", lambda rows: f"{len(rows):,} rows", retries=3, timeout_seconds=60 * MINUTE
)
validate = step(validation.validate, "validate", str, timeout_seconds=60 * MINUTE)
record_checks = step(
    training_record.record_checks, "record checks", retries=3, timeout_seconds=5 * MINUTE
)
prepare = step(
    hooks.prepare,
    "prepare",
    lambda rows: f"{len(rows.columns)} columns",
    timeout_seconds=60 * MINUTE,
)
split = step(splits.split, "split", str)
train = step(training.fit, "train", lambda pipeline: type(pipeline.named_steps["model"]).__name__)
choose_threshold = step(
    threshold.with_threshold,
    "threshold",
    lambda chosen: str(chosen[1] or "0.5, as none is asked for"),
)
evaluate = step(evaluation.evaluate, "evaluate", str)
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
    training_record.record_evaluation, "record", retries=3, timeout_seconds=30 * MINUTE
)
write_report = step(training_record.record_report, "report", retries=3, timeout_seconds=30 * MINUTE)
log_model = step(
    model_files.log_model,
    "log model",
    lambda logged: f"sha256 {logged.sha256[:8]}",
    retries=3,
    timeout_seconds=30 * MINUTE,
)
register = step(
    registry.register,
    "register",
    lambda number: f"version {number}",
    retries=3,
    timeout_seconds=10 * MINUTE,
)


def run_name(plan: Plan | None = None) -> str:
    chosen = flow_run.parameters
    what = f"{chosen['model']} {day_of(plan) if plan else str(chosen.get('as_of') or 'newest')[:10]}".strip()
    return f"{what}{' explore' if chosen.get('explore') else ''} #{str(flow_run.id)[-4:]}"


def day_of(plan: Plan) -> str:
    """The day as of which a run trains; empty where data have no days."""
    return f"{plan.as_of:%Y-%m-%d}" if plan.as_of else ""


@flow(
    name="train_candidate",
    flow_run_name=run_name,
    retries=0,
    validate_parameters=True,
    **mirror.HOOKS,
)
def train_candidate(
    model: str,
    as_of: datetime | None = None,
    overrides: list[Override] = [],  # noqa: B006 Prefect's form wants a literal default
    explore: bool = False,
) -> State[Any]:
    """Train a candidate, judge it on the holdout, register it; then ask for its promotion where the YAML says so.

    Args:
        model: The model to train.
        as_of: The instant up to which labels are complete, where the holdout ends. Left out: the end of the newest day less the delay. Only for data split by time.
        overrides: Changes for this run alone, under train, as train.params.n_estimators=200.
        explore: Log a run that reads no holdout and registers nothing.
    """
    require_own_deployment(model)
    settings, me = Settings(), str(flow_run.id)
    client = connect(settings)
    run = open_run(
        client,
        model,
        run_name(),
        me,
        {"ratchet.flow": "train_candidate", "ratchet.flow_run_url": flow_url(settings)},
    )
    plan = settle(client, run, settings, model, as_of, overrides)
    config, training_run = plan.config, TrainingRun(client, run, plan)
    rename(client, run, run_name(plan))
    runs.describe_experiment(
        client, run.experiment, f"{config.description}. Owner: {config.owner}."
    )

    raw = load(config, plan.window, settings.data, holdout=not explore)
    checked = [pass_checks(settings, training_run, raw, "raw")]
    rows = prepare(config, plan.hooks, raw)
    checked.append(pass_checks(settings, training_run, rows, "features"))
    partitions = split(config, plan.hooks, rows, plan.window, holdout=not explore)

    pipeline = train(config, partitions.train)
    decider, chosen = choose_threshold(pipeline, config, partitions)
    scored = evaluate(decider, config, plan.hooks, partitions)
    signed = sign(decider, config, partitions.train)
    facts = record_data(training_run, raw, partitions)
    record_evaluation(training_run, partitions, scored, chosen)
    result = TrainingResult(decider, partitions, scored, chosen, checked)
    write_report(training_run, result, facts, spent())
    model_id, sha256 = log_model(client, run, signed, config)
    runs.log_metrics(
        client,
        run.id,
        spent_as_metrics()
        | {f"rows/{name}": float(facts[name]) for name in facts if name.endswith("_rows")},
    )
    if explore:
        return Completed(name="Explored", message=f"explored {model}: {scored}")

    tags = {model_files.SHA256: sha256, "ratchet.flow_run_url": flow_url(settings)}
    tags |= plan.version_tags
    version = register(
        client,
        run,
        config,
        model_id,
        tags,
        f"Candidate {day_of(plan)}: {scored}".replace(" :", ":"),
    )
    tell(client, settings, run, plan, version, str(scored))
    if config.promotion.ask != "manual":
        request_promotion(config, version, f"{model} {day_of(plan)} training", me)
    return Completed(
        name="Registered", message=f"version {version} of {model} is a candidate: {scored}"
    )


def rename(client: MlflowClient, run: Run, name: str) -> None:
    """Both systems' names of this run, now that its day is settled."""
    client.update_run(run.id, name=name)
    with get_client(sync_client=True) as prefect:
        prefect.update_flow_run(UUID(run.flow_run), name=name)


def pass_checks(
    settings: Settings, training_run: TrainingRun, rows: DataFrame, stage: Stage
) -> ValidationReport:
    """The report of this stage if no critical check fails; it is on record, and linked from Prefect, either way."""
    run, plan = training_run.run, training_run.plan
    report = validate(rows, plan.config, plan.window, stage)
    record_checks(training_run, report)
    page = settings.mlflow_page(
        f"experiments/{run.experiment}/runs/{run.id}/artifacts/validation/{stage}.html"
    )
    create_link_artifact(
        key=f"checks-{stage}-{plan.config.name.replace('_', '-')}", link=page, link_text=str(report)
    )
    validation.require_passed(report, plan.config, plan.window, page)
    return report


def tell(
    client: MlflowClient, settings: Settings, run: Run, plan: Plan, version: int, scored: str
) -> None:
    """The result and its links on the run's page in both systems."""
    model = plan.config.name
    text = (
        f"# {model} {version}\n\n{plan}\n\n{scored}\n\n"
        f"- [the report]({settings.mlflow_page(f'experiments/{run.experiment}/runs/{run.id}/artifacts/report.html')})\n"
        f"- [the run in MLflow]({settings.mlflow_page(f'experiments/{run.experiment}/runs/{run.id}')})\n"
        f"- [the version in MLflow]({settings.mlflow_page(f'models/{model}/versions/{version}')})\n"
        f"- [the run in Prefect]({flow_url(settings)})\n"
    )
    create_markdown_artifact(
        key=f"candidate-{model.replace('_', '-')}", description=f"{model} {version}", markdown=text
    )
    runs.describe(client, run.id, text)
