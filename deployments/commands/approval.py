"""`ratchet approve` and `ratchet reject`: the answer to a pending request, given through its flow.

Not here: what an answer leads to (tasks/release/promotion_answer.py).
"""

from typing import Literal

import click

from configs.errors import UsageError
from configs.reading import read_model
from configs.settings import Settings
from deployments.commands.arguments import AS_DECIDER, AS_JSON, MODEL, REASON, VERSION
from deployments.commands.progress import follow, print_outcome
from deployments.flow_run import FlowRun, Outcome
from deployments.prefect_api import Prefect
from tasks.release.events import Event
from tasks.release.ledger import Ledger
from tasks.release.standing import standing

Decision = Literal["approve", "reject"]
WANTED: dict[Decision, Outcome] = {"approve": "promoted", "reject": "rejected"}


@click.command(epilog='Example: ratchet approve fraud_detector 7 --reason "better at night"')
@MODEL
@VERSION
@REASON
@AS_DECIDER
@AS_JSON
def approve(model: str, version: int, reason: str, who: str, as_json: bool) -> None:
    """Approve VERSION of MODEL.

    It becomes the champion if the facts are still those that were judged.
    """
    settings = Settings()
    pending = _pending_request(settings, model, version)
    _answer(settings, pending, "approve", reason, who, as_json=as_json)


@click.command(epilog='Example: ratchet reject fraud_detector 7 --reason "too few frauds to tell"')
@MODEL
@VERSION
@REASON
@AS_DECIDER
@AS_JSON
def reject(model: str, version: int, reason: str, who: str, as_json: bool) -> None:
    """Reject VERSION of MODEL: the champion stays."""
    settings = Settings()
    pending = _pending_request(settings, model, version)
    _answer(settings, pending, "reject", reason, who, as_json=as_json)


def answer_request(
    prefect: Prefect,
    pending: Event,
    decision: Decision,
    reason: str,
    who: str,
    *,
    to_stderr: bool = False,
) -> FlowRun:
    """Answer the pending request with this person's decision; its flow run, followed to its end."""
    form = {
        "decision": decision,
        "your_name": who,
        "reason": reason,
        "evidence": pending.evidence_digest,
    }
    flow_run = pending.flow_run
    lines_before = len(prefect.log_lines(flow_run, after=0))
    prefect.answer(flow_run, form)
    return follow(prefect, prefect.read(flow_run), lines_before, to_stderr=to_stderr)


def _answer(
    settings: Settings, pending: Event, decision: Decision, reason: str, who: str, *, as_json: bool
) -> None:
    with Prefect(settings) as prefect:
        run = answer_request(prefect, pending, decision, reason, who, to_stderr=as_json)
    print_outcome(settings, run, as_json=as_json, wanted=WANTED[decision])


def _pending_request(settings: Settings, model: str, version: int) -> Event:
    """The request of this version that is waiting for an answer; UsageError when none is."""
    read_model(model, settings)
    pending = standing(model, Ledger(settings.ledger_url).events(model)).pending
    if pending is None or pending.version_to != version:
        waiting = f"; version {pending.version_to} is" if pending else ", and no other version is"
        raise UsageError(
            f"version {version} of {model} is not waiting for an answer{waiting}. "
            f"Request its promotion: ratchet promote {model} {version}"
        )
    return pending
