"""What Prefect, MLflow and the ledger could not agree on at once, mended: a model's by each of its promotion flows, all by the runner.

Three things can be left behind: an MLflow run whose flow run is over, a request that nobody can answer, labels in MLflow behind the ledger.
"""

from mlflow import MlflowClient
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.input.actions import read_flow_run_input
from prefect.states import Cancelled, Scheduled

from configs.model import ModelConfig
from configs.reading import read_models
from configs.settings import Settings
from flows import mirror
from flows.runs import request_promotion
from tasks.release import promotion_answer, promotion_request
from tasks.release.ledger import Ledger
from tasks.release.projection import project
from tasks.release.promotion_run import PromotionRun
from tasks.release.standing import standing
from tasks.tracking.server import connect

MOST_STARTS = (
    10  # of one promotion: after so many its process will not live through the next either
)


def reconcile(settings: Settings) -> None:
    """All models in agreement, as far as each can be now."""
    client, ledger = connect(settings), Ledger(settings.ledger_url)
    mirror.mirror_ended(client)
    decided = ledger.models()
    for config in read_models(settings):
        if config.name in decided:
            clear_dead_request(ledger, client, config)
            project(client, ledger, config.name)
            ask_for_next(ledger, config)


def clear_dead_request(ledger: Ledger, client: MlflowClient, config: ModelConfig) -> None:
    """The pending request of this model goes on, or is ended on record, if as it stands nobody can answer it."""
    pending = standing(config.name, ledger.events(config.name)).pending
    if pending is None:
        return
    run = PromotionRun(
        ledger,
        client,
        config,
        pending.version_to or 0,
        pending.flow_run or "",
        pending.mlflow_run or "",
    )
    with get_client(sync_client=True) as prefect:
        waiting = mirror.find_flow_run(prefect, run.flow_run)
        if waiting is None:
            promotion_answer.end_unanswered(run, "withdrawn", "its flow run was deleted")
        elif (
            waiting.state
            and waiting.state.is_paused()
            and promotion_answer.is_overdue(run, pending)
        ):
            promotion_answer.end_unanswered(
                run, "expired", f"not answered within {config.approval.expires_after_days} days"
            )
            prefect.set_flow_run_state(
                waiting.id, Cancelled(name="Expired", message="not answered in time"), force=True
            )
        elif lost := _lost(waiting):
            prefect.set_flow_run_state(
                waiting.id, Scheduled(message=f"{lost}: it goes on"), force=True
            )
        elif waiting.state and waiting.state.is_final():
            promotion_answer.end_unanswered(
                run, "withdrawn", f"its flow run ended {waiting.state.name} before an answer"
            )


def ask_for_next(ledger: Ledger, config: ModelConfig) -> None:
    """The newest of those put off asked for, once, when nobody waits before it any more, or the champion that it passes beside is old."""
    now = standing(config.name, ledger.events(config.name))
    if now.deferred and not now.pending:
        newest = now.deferred[-1]
        waits_for_age = newest.evidence is not None  # it was judged before it was put off
        if not waits_for_age or promotion_request.is_old(now.champion, config):
            request_promotion(
                config,
                newest.version_to or 0,
                newest.who,
                newest.flow_run or "",
                only_if_better=not waits_for_age,
            )


def _lost(waiting: FlowRun) -> str | None:
    """What this promotion lost with its process, in words; None while it has all it needs, or cannot be helped by a new process."""
    state = waiting.state
    if state is None or waiting.run_count >= MOST_STARTS:
        return None
    if state.is_crashed():
        return "its process died"
    keys = state.state_details.run_input_keyset or {}
    if state.is_paused() and not read_flow_run_input(
        keys.get("schema", ""), flow_run_id=waiting.id
    ):
        return "its form was lost"  # the process died between suspending and saving it
    return None


if __name__ == "__main__":
    reconcile(Settings())
