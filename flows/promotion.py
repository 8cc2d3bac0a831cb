"""promote_candidate: the gate judges a version, a person answers, and the ledger commits.

No retries: all that comes before the wait may happen again (each event is appended once), and what
comes after it reads the stored evidence.
Not here: how such a run begins and ends (release.py), the form a person fills in (approval.py).
"""

from typing import Annotated

from prefect import flow
from pydantic import Field

from configs.settings import Settings
from flows import mirror
from flows.approval import ask
from flows.outcome import Outcome, publish_outcome
from flows.release import close, describe, open_promotion_run, project, run_name
from flows.request_queue import clear_dead_request, end_replaced_request
from flows.runs import MINUTE
from flows.steps import step
from tasks.release import promotion_answer, promotion_request, reference
from tasks.release.events import Event
from tasks.release.promotion_answer import Answer
from tasks.release.promotion_request import RequestOptions
from tasks.release.promotion_run import PromotionRun
from tasks.verdict import report


def _request_line(event: Event | None) -> str:
    return f"{event.event}: {event.why}" if event else "the facts changed; judging again"


def _answer_line(event: Event) -> str:
    return f"{event.event} by {event.who}: {event.why}"


judge = step(promotion_request.judge, "judge", str, retries=3, timeout_seconds=120 * MINUTE)
log_report = step(report.log, "report", retries=3, timeout_seconds=30 * MINUTE)
request = step(promotion_request.request, "request", _request_line)
take_answer = step(promotion_answer.take_answer, "decide", _answer_line)


@flow(name="promote_candidate", flow_run_name=run_name, retries=0, **mirror.HOOKS)
@publish_outcome
def promote_candidate(
    model: str,
    version: Annotated[int, Field(ge=1)],
    instead: bool = False,
    only_if_better: bool = False,
    asked_by: str = "somebody in the Prefect UI",
) -> Outcome:
    """Judge a registered version by the current gate, ask a person, and make it champion on a yes.

    Args:
        model: The model whose champion may change.
        version: The registered version to promote.
        instead: Replace the pending request, if there is one.
        only_if_better: Defer a version that passes without being better than the champion,
            until the champion is as old as the YAML says.
        asked_by: Who requests it. The ledger records it.
    """
    run = open_promotion_run(model, version)
    if ending := run.ended():
        return finish(run, ending)
    clear_dead_request(run.ledger, run.client, run.config)
    requested = run.own("requested")
    if requested is None:
        options = RequestOptions(asked_by, instead, only_if_better)
        requested = submit(run, options)
        if requested.event != "requested":
            return finish(run, requested)
        describe(run, requested)
        end_replaced_request(run.ledger, run.config)
    project(run.client, run.ledger, model)
    answer = promotion_answer.recorded_answer(run) or wait_for_answer(run, requested)
    return finish(run, take_answer(run, requested, answer))


def submit(run: PromotionRun, options: RequestOptions) -> Event:
    """Judge the candidate and request its promotion: `requested`, `refused` or `deferred`."""
    if deferred := promotion_request.defer(run, options):
        return deferred
    while True:
        judgement = judge(run, options)
        log_report(run.client, run.mlflow_run, judgement)
        if event := request(run, judgement, options):
            return event


def wait_for_answer(run: PromotionRun, requested: Event) -> Answer:
    """The person's answer; until there is one the flow run is suspended and no process waits."""
    evidence = run.ledger.evidence_of(requested)
    digest = requested.evidence_digest or ""
    while True:
        run.client.update_run(run.mlflow_run, status="SCHEDULED")
        invalid_answers = run.count("answer_invalid")
        answer = ask(evidence, digest, report_page(run), invalid_answers)
        if answer and answer.evidence_digest == digest:
            run.client.update_run(run.mlflow_run, status="RUNNING")
            return answer
        promotion_answer.note_invalid(run, invalid_answers)


def report_page(run: PromotionRun) -> str:
    experiment = run.client.get_run(run.mlflow_run).info.experiment_id
    return Settings().mlflow_run_page(experiment, run.mlflow_run, "report.html")


def finish(run: PromotionRun, ending: Event) -> Outcome:
    """Raise the reference if this promotion earned it, then close the run."""
    if ending.event == "promoted":
        reference.raise_reference(run, ending)
    return close(run, ending)
