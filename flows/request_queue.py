"""The queue of a model's requests: the pending one, and the deferred ones behind it.

A pending request can be dead: its flow run crashed, was deleted, or waited too long.
Not here: how a request is made or answered (promotion.py), who looks after the queues of all models
(reconciliation.py).
"""

from typing import Any

from mlflow import MlflowClient
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.input.actions import read_flow_run_input
from prefect.states import Scheduled

from configs.model import ModelConfig
from flows.outcome import Outcome, label
from flows.runs import find_flow_run, request_promotion
from tasks.release import promotion_answer, promotion_request
from tasks.release.ledger import Ledger
from tasks.release.promotion_run import PromotionRun
from tasks.release.standing import standing

# a promotion whose process died this often will not survive another start either
MOST_STARTS = 10


def clear_dead_request(ledger: Ledger, client: MlflowClient, config: ModelConfig) -> None:
    """Resume the pending request of this model, or end it, if nobody can answer it as it is."""
    pending = standing(config.name, ledger.events(config.name)).pending
    if pending is None:
        return
    run = PromotionRun.of_event(pending, ledger, client, config)
    with get_client(sync_client=True) as prefect:
        flow_run = find_flow_run(prefect, run.flow_run)
        if flow_run is None:
            promotion_answer.end_unanswered(run, "withdrawn", "its flow run was deleted")
        elif _is_paused(flow_run) and promotion_answer.is_overdue(pending, config):
            _expire(prefect, run, flow_run)
        elif loss := _recoverable_loss(flow_run):
            _resume(prefect, flow_run, loss)
        elif flow_run.state and flow_run.state.is_final():
            reason = f"its flow run ended as {flow_run.state.name} before it was answered"
            promotion_answer.end_unanswered(run, "withdrawn", reason)


def end_replaced_request(ledger: Ledger, config: ModelConfig) -> None:
    """End the flow run of the request that was withdrawn last, if it still waits for an answer.

    A request that replaces another one withdraws it in the ledger alone.
    """
    withdrawn = [e for e in ledger.events(config.name) if e.event == "withdrawn"]
    if not withdrawn:
        return
    event = withdrawn[-1]
    with get_client(sync_client=True) as prefect:
        flow_run = find_flow_run(prefect, event.flow_run)
        if flow_run and _is_paused(flow_run):
            _end(prefect, flow_run, Outcome(event.event, str(event), event.version_to))


def request_next(ledger: Ledger, config: ModelConfig) -> None:
    """Request promotion of the newest deferred version, once, when it no longer has to wait.

    A version that was deferred behind another one waits until nothing is pending; one that passed
    without being better than the champion waits until the champion is old.
    """
    now = standing(config.name, ledger.events(config.name))
    if now.pending or not now.deferred:
        return
    newest = now.deferred[-1]
    # only a version that was judged before it was deferred has evidence
    waits_for_age = newest.evidence_digest is not None
    if waits_for_age and not promotion_request.is_old(now.champion, config):
        return
    request_promotion(
        config,
        newest.version_to,
        newest.who,
        newest.flow_run,
        only_if_better=not waits_for_age,
    )


def _is_paused(flow_run: FlowRun) -> bool:
    return flow_run.state is not None and flow_run.state.is_paused()


def _resume(prefect: SyncPrefectClient, flow_run: FlowRun, loss: str) -> None:
    resumed: State[Any] = Scheduled(message=f"resumed, because {loss}")
    prefect.set_flow_run_state(flow_run.id, resumed, force=True)


def _expire(prefect: SyncPrefectClient, run: PromotionRun, flow_run: FlowRun) -> None:
    """Record that the request expired, then end its flow run, which has no process to do so."""
    days = run.config.approval.expires_after_days
    event = promotion_answer.end_unanswered(run, "expired", f"not answered within {days} days")
    _end(prefect, flow_run, Outcome("expired", "not answered in time", event.version_to))


def _end(prefect: SyncPrefectClient, flow_run: FlowRun, outcome: Outcome) -> None:
    label(prefect, flow_run.id, outcome.labels)
    prefect.set_flow_run_state(flow_run.id, outcome.state, force=True)


def _recoverable_loss(flow_run: FlowRun) -> str | None:
    """What this flow run lost that a new process restores, in words; None if nothing."""
    state = flow_run.state
    if state is None or flow_run.run_count >= MOST_STARTS:
        return None
    if state.is_crashed():
        return "its process died"
    form_key = (state.state_details.run_input_keyset or {}).get("schema", "")
    # there is none if the process died between suspending the run and saving its form
    if state.is_paused() and not read_flow_run_input(form_key, flow_run_id=flow_run.id):
        return "its form was lost"
    return None
