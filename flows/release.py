"""How every flow run that may change production begins and ends: a promotion, a rollback, a move.

Not here: what happens in between (promotion.py, rollback.py).
"""

from prefect.runtime import flow_run

from configs.reading import read_model
from configs.settings import Settings
from flows import runs
from flows.outcome import Outcome
from flows.request_queue import request_next
from flows.steps import step
from tasks.release import projection
from tasks.release.events import Event
from tasks.release.ledger import Ledger
from tasks.release.promotion_run import PromotionRun
from tasks.verdict import wording

project = step(projection.project, "project", retries=3)


def run_name() -> str:
    parameters = flow_run.parameters
    return runs.name_run(parameters["model"], str(parameters["version"]))


def open_promotion_run(model: str, version: int) -> PromotionRun:
    """Open this flow run's MLflow run, and bring together what its decisions need."""
    runs.require_own_deployment(model)
    settings = Settings()
    client = runs.connect(settings)
    mlflow_run = runs.open_run(
        client, settings, f"{model} promotions", run_name(), {"ratchet.version": str(version)}
    )
    return PromotionRun(
        Ledger(settings.ledger_url),
        client,
        read_model(model, settings),
        version,
        flow_run=mlflow_run.flow_run,
        mlflow_run=mlflow_run.id,
    )


def close(run: PromotionRun, ending: Event) -> Outcome:
    """Show the ledger in MLflow and the ending on the run's page, then request the next version."""
    project(run.client, run.ledger, run.config.name)
    describe(run, ending)
    request_next(run.ledger, run.config)
    return Outcome(ending.event, str(ending), ending.version_to)


def describe(run: PromotionRun, event: Event) -> None:
    """Show the event, and the evidence it rests on, on the run's page in both systems."""
    text = f"{event}."
    if event.evidence_digest:
        text += f"\n\n{wording.markdown(run.ledger.evidence_of(event))}"
    key = runs.artifact_key("promotion", run.config.name)
    runs.describe(run.client, run.mlflow_run, key, event.event, text)
