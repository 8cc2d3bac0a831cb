"""promote_candidate: a registered version asks for production; the gate judges, a person answers, the ledger commits.

No retries: what happens before the wait may happen again (each event is appended once), what comes after it reads the kept evidence.
"""

from typing import Annotated, Any
from uuid import UUID

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import ObjectNotFound
from prefect.input.actions import read_flow_run_input
from prefect.runtime import flow_run
from prefect.states import Cancelled, Completed, Scheduled
from pydantic import Field

from configs.reading import read_model
from configs.settings import Settings
from flows import mirror
from flows.approval import ask
from flows.steps import step
from flows.training import ask_for_promotion, connect, flow_url, open_run
from tasks.release import projection, promotion
from tasks.release.ledger import Event, Ledger
from tasks.release.promotion import Answer, Desk

request = step(promotion.request, "request", str)
take_answer = step(promotion.take_answer, "decide", str)
project = step(projection.project, "project", retries=3)


def run_name() -> str:
    return f"{flow_run.parameters['model']} {flow_run.parameters['version']} #{str(flow_run.id)[:4]}"


@flow(name="promote_candidate", flow_run_name=run_name, retries=0, **mirror.HOOKS)
def promote_candidate(
    model: str,
    version: Annotated[int, Field(ge=1)],
    instead: bool = False,
    asked_by: str = "somebody in the Prefect UI",
) -> State[Any]:
    """Judge a registered version by today's gate, ask a person, and make it the champion on a yes.

    Args:
        model: The model whose champion may change.
        version: The registered version that asks.
        instead: Take the place of the request that waits now, if one does.
        asked_by: Who asks; it goes on record.
    """
    desk = open_desk(model, version)
    if ended := desk.ended():
        return finish(desk, ended)
    clear_dead_requests(desk)
    asked = request(desk, asked_by, instead=instead)
    if asked.event != "requested":
        return finish(desk, asked)
    project(desk.client, desk.ledger, model)
    answer = promotion.recorded_answer(desk) or wait_for_answer(desk, asked)
    return finish(desk, take_answer(desk, asked, answer))


def open_desk(model: str, version: int) -> Desk:
    settings = Settings()
    client = connect(settings)
    tags = {
        "ratchet.flow": "promote_candidate",
        "ratchet.version": str(version),
        "ratchet.flow_run_url": flow_url(settings),
    }
    run = open_run(client, f"{model} promotions", run_name(), str(flow_run.id), tags)
    return Desk(Ledger(settings.ledger_url), client, read_model(model, settings), version, str(flow_run.id), run.id)


def wait_for_answer(desk: Desk, asked: Event) -> Answer:
    """The person's answer; while there is none the flow run is suspended and no process waits."""
    document = desk.ledger.evidence(asked.evidence or "")
    while True:
        desk.client.update_run(desk.mlflow_run, status="SCHEDULED")
        invalid = desk.count("answer_invalid")
        answer = ask(document, asked.evidence or "", invalid)
        if answer and answer.evidence == asked.evidence:
            desk.client.update_run(desk.mlflow_run, status="RUNNING")
            return answer
        promotion.note_invalid(desk, invalid)


def clear_dead_requests(desk: Desk) -> None:
    """The pending request ended, on record, if it is too old or its flow run is gone: nobody could answer it."""
    pending = desk.standing().pending
    if pending is None or pending.flow_run == desk.flow_run:
        return
    with get_client(sync_client=True) as client:
        try:
            waiting = client.read_flow_run(UUID(pending.flow_run))
        except ObjectNotFound:
            promotion.end_dead(desk, pending, "withdrawn", "its flow run was deleted")
            return
        if promotion.is_overdue(desk, pending):
            promotion.end_dead(desk, pending, "expired", f"not answered within {desk.config.approval.expires_after_days} days")
            client.set_flow_run_state(waiting.id, Cancelled(name="Expired", message="not answered in time"), force=True)
        elif waiting.state and waiting.state.is_final():
            promotion.end_dead(desk, pending, "withdrawn", f"its flow run ended {waiting.state.name} before an answer")
        elif waiting.state and waiting.state.is_paused() and not form_is_there(waiting):
            client.set_flow_run_state(waiting.id, Scheduled(message="its form was lost"), force=True)  # it asks again


def form_is_there(waiting: FlowRun) -> bool:
    """False for a run whose process died between suspending and saving its form: it can never be answered."""
    keys = waiting.state.state_details.run_input_keyset if waiting.state else None
    return bool(keys and read_flow_run_input(keys["schema"], flow_run_id=waiting.id))


def finish(desk: Desk, ended: Event) -> State[Any]:
    """What MLflow shows is what the ledger says, whoever waited behind is asked for, and the flow run is named by its outcome."""
    project(desk.client, desk.ledger, desk.config.name)
    if ended.event in ("rejected", "stale", "expired"):
        ask_for_newest_deferred(desk)
    if ended.event == "expired":
        return Cancelled(name="Expired", message=str(ended))
    return Completed(name=ended.event.capitalize(), message=str(ended))


def ask_for_newest_deferred(desk: Desk) -> None:
    now = desk.standing()
    if now.deferred and not now.pending:
        newest = now.deferred[-1]
        ask_for_promotion(desk.config.name, newest.version_to or 0, newest.who, newest.flow_run or "")
