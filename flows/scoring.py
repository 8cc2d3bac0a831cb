"""score_batch: the champion's scores of new rows, written as files, a day at a time.

Here are the order of the steps, their names, retries and time-outs. Not here: any work (tasks/).
"""

from datetime import date
from typing import Annotated, cast

from prefect import flow
from prefect.logging import get_run_logger
from prefect.logging.loggers import PrefectLogAdapter
from prefect.runtime import flow_run
from pydantic import Field

from configs.settings import Settings
from flows import mirror
from flows.outcome import Outcome, publish_outcome
from flows.runs import (
    MINUTE,
    artifact_key,
    connect,
    describe,
    name_run,
    open_run,
    require_own_deployment,
)
from flows.steps import LOGGER, step
from tasks.scoring import job, plan, record
from tasks.scoring.job import Scored, ScoringJob
from tasks.scoring.progress import Progress

Folder = Annotated[str, Field(pattern=r"^(/|\w+://)")]

settle = step(
    plan.settle,
    "settle",
    lambda settled: str(settled or "no day is new"),
    retries=3,
    timeout_seconds=5 * MINUTE,
)
open_job = step(job.open_job, "open job", retries=3, timeout_seconds=5 * MINUTE)
score = step(job.score, "score", str, retries=3)
record_scores = step(record.record, "record", retries=3, timeout_seconds=30 * MINUTE)


def run_name() -> str:
    parameters = flow_run.parameters
    last_day = str(parameters.get("last") or "newest")[:10]
    return name_run(parameters["model"], last_day, "scores")


@flow(name="score_batch", flow_run_name=run_name, retries=0, **mirror.HOOKS)
@publish_outcome
def score_batch(
    model: str, out: Folder | None = None, first: date | None = None, last: date | None = None
) -> Outcome:
    """Score new rows with the champion, and write the scores as files, one for each day.

    Args:
        model: The model whose champion scores.
        out: The folder for the scores, a full path or an address such as s3://bucket/scores;
            by default the one that the YAML names.
        first: The first day to score; by default the one after the newest that is in the folder,
            or the last day where the folder has none.
        last: The last day to score; by default the newest of the data.
    """
    require_own_deployment(model)
    settings = Settings()
    client = connect(settings)
    run = open_run(client, settings, f"{model} scores", run_name())
    settled = settle(client, run, settings, model, out, first, last)
    if settled is None:
        return Outcome("scored", f"no day of {model} is new: all of them have their scores")
    scoring_job = open_job(client, run, settled)
    scored = record.read_finished(scoring_job)
    if scored is None:
        scored = score(scoring_job, settings.data, Progress(log))
        record_scores(scoring_job, scored)
    return finish(scoring_job, scored)


def finish(scoring_job: ScoringJob, scored: Scored) -> Outcome:
    """Show the counts and the scores' distribution on the run's page in both systems."""
    model, version = scoring_job.plan.model, scoring_job.version.number
    key = artifact_key("scores", model)
    text = record.page(scoring_job, scored)
    describe(scoring_job.client, scoring_job.run.id, key, str(scoring_job.plan), text)
    where = f"{scoring_job.plan.out}/{model}"
    return Outcome("scored", f"{scored} of {scoring_job.plan}, in {where}", version)


def log(line: str) -> None:
    """Log a line as steps do, so that commands print it."""
    logger = cast(PrefectLogAdapter, get_run_logger())
    logger.getChild(LOGGER).info("%-10s %s", "score", line)
