"""promote_candidate: a registered version asks for production; the gate judges, a person answers, the ledger commits.

No retries: what happens before the wait may happen again (each event is appended once), what comes after it reads the kept evidence.
"""

from typing import Annotated, Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Cancelled, Completed
from pydantic import Field

from configs.reading import read_model
from configs.settings import Settings
from flows import mirror, reconciliation
from flows.approval import ask
from flows.runs import MINUTE, connect, flow_url, open_run, require_own_deployment
from flows.steps import step
from tasks.release import projection, promotion_answer, rollback
from tasks.release import promotion_request as requests
from tasks.release.ledger import Event, Ledger
from tasks.release.promotion_answer import Answer
from tasks.release.promotion_run import PromotionRun
from tasks.tracking import runs
from tasks.verdict import report, wording

judge = step(requests.judge, "judge", str, retries=3, timeout_seconds=120 * MINUTE)
request = step(
    requests.request,
    "request",
    lambda event: f"{event.event}: {event.why}" if event else "facts changed, judged anew",
)
keep_report = step(report.keep, "report", retries=3, timeout_seconds=30 * MINUTE)
take_answer = step(
    promotion_answer.take_answer,
    "decide",
    lambda event: f"{event.event} by {event.who}: {event.why}",
)
project = step(projection.project, "project", retries=3)


def run_name() -> str:
    return (
        f"{flow_run.parameters['model']} {flow_run.parameters['version']} #{str(flow_run.id)[-4:]}"
    )


@flow(name="promote_candidate", flow_run_name=run_name, retries=0, **mirror.HOOKS)
def promote_candidate(
    model: str,
    version: Annotated[int, Field(ge=1)],
    instead: bool = False,
    only_if_better: bool = False,
    asked_by: str = "somebody in the Prefect UI",
) -> State[Any]:
    """Judge a registered version by today's gate, ask a person, and make it the champion on a yes.

    Args:
        model: The model whose champion may change.
        version: The registered version that asks.
        instead: Take the place of the request that waits now, if one does.
        only_if_better: Ask nobody about a candidate that passes but is not surely better, until the champion is as old as the YAML says.
        asked_by: Who asks; it goes on record.
    """
    run = open_promotion_run(model, version, "promote_candidate")
    if ended := run.ended():
        return finish(run, ended)
    reconciliation.clear_dead_request(run.ledger, run.client, run.config)
    if not (asked := run.own("requested")):
        asked = put_forward(run, asked_by, instead, only_if_better)
        if asked.event != "requested":
            return finish(run, asked)
        tell(run, asked)
    project(run.client, run.ledger, model)
    answer = promotion_answer.recorded_answer(run) or wait_for_answer(run, asked)
    return finish(run, take_answer(run, asked, answer))


def put_forward(run: PromotionRun, asked_by: str, instead: bool, only_if_better: bool) -> Event:
    """The candidate judged beside the champion of now, and what becomes of it before a person is asked."""
    if not instead and (behind := requests.put_off(run, asked_by)):
        return behind
    while True:
        judged = judge(run, asked_by)
        keep_report(run.client, run.mlflow_run, judged)
        if asked := request(run, judged, asked_by, instead=instead, only_if_better=only_if_better):
            return asked


def open_promotion_run(model: str, version: int, flow_name: str) -> PromotionRun:
    require_own_deployment(model)
    settings = Settings()
    client = connect(settings)
    tags = {
        "ratchet.flow": flow_name,
        "ratchet.version": str(version),
        "ratchet.flow_run_url": flow_url(settings),
    }
    run = open_run(client, f"{model} promotions", run_name(), str(flow_run.id), tags)
    return PromotionRun(
        Ledger(settings.ledger_url),
        client,
        read_model(model, settings),
        version,
        str(flow_run.id),
        run.id,
    )


def wait_for_answer(run: PromotionRun, asked: Event) -> Answer:
    """The person's answer; while there is none the flow run is suspended and no process waits."""
    document = run.ledger.evidence(asked.evidence or "")
    while True:
        run.client.update_run(run.mlflow_run, status="SCHEDULED")
        invalid = run.count("answer_invalid")
        answer = ask(document, asked.evidence or "", report_page(run), invalid)
        if answer and answer.evidence == asked.evidence:
            run.client.update_run(run.mlflow_run, status="RUNNING")
            return answer
        promotion_answer.note_invalid(run, invalid)


def report_page(run: PromotionRun) -> str:
    experiment = run.client.get_run(run.mlflow_run).info.experiment_id
    return Settings().mlflow_page(
        f"experiments/{experiment}/runs/{run.mlflow_run}/artifacts/report.html"
    )


def finish(run: PromotionRun, ended: Event) -> State[Any]:
    """What MLflow shows is what the ledger says, whoever waited behind is asked for, and the flow run is named by its outcome."""
    if ended.event == "promoted":
        rollback.raise_reference(run, ended)
    project(run.client, run.ledger, run.config.name)
    tell(run, ended)
    reconciliation.ask_for_next(run.ledger, run.config)
    if ended.event == "expired":
        return Cancelled(name="Expired", message=str(ended))
    return Completed(name=ended.event.replace("_", " ").capitalize(), message=str(ended))


def tell(run: PromotionRun, ended: Event) -> None:
    """The outcome and the evidence it rests on, on the run's page in both systems."""
    judged = wording.as_markdown(run.ledger.evidence(ended.evidence)) if ended.evidence else ""
    text = f"{ended}.\n\n{judged}"
    create_markdown_artifact(
        key=f"promotion-{run.config.name.replace('_', '-')}",
        description=ended.event,
        markdown=text,
    )
    runs.describe(run.client, run.mlflow_run, text)
