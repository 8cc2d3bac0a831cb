"""The end of a promotion: what an answer comes to, and requests that nobody can answer any more.

Each function may be called again by a retried or resumed flow run: what the ledger has already is
found by its key and not appended twice.
Not here: how a promotion begins (promotion_request.py), how a person is asked while no process
waits (flows/approval.py), what MLflow shows (projection.py).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from configs.model import ModelConfig
from tasks.release.events import Event
from tasks.release.promotion_run import (
    GATE,
    RUNNER,
    Actor,
    PromotionRun,
    compared_versions,
    damage_of,
    redecide_when_outrun,
)
from tasks.release.standing import Standing
from tasks.verdict import evidence, gate


@dataclass(frozen=True)
class Answer:
    """A person's yes or no to one evidence digest."""

    decision: Literal["approve", "reject"]
    who: str
    why: str
    evidence_digest: str


@redecide_when_outrun
def take_answer(run: PromotionRun, requested: Event, answer: Answer) -> Event:
    """Append what the answer comes to, on facts read again now.

    `promoted`, `rejected`, `stale` or `expired`.
    """
    now = run.standing()
    if ended := now.ending_of(run.flow_run):
        return ended
    person, digest = Actor(answer.who), requested.evidence_digest
    if is_overdue(requested, run.config):
        days = run.config.approval.expires_after_days
        return run.append("expired", now, GATE, f"answered after more than {days} days")
    if answer.decision == "reject":
        return run.append("rejected", now, person, answer.why, digest)
    if changes := facts_changed_since(run, now, requested):
        return run.append("stale", now, GATE, "; ".join(changes), digest)
    approved = run.append("approved", now, person, answer.why, digest)
    # the commit: if anybody appended since these facts were read, this raises HeadMoved and all is
    # decided again
    return run.append("promoted", now, person, answer.why, digest, after=approved)


def facts_changed_since(run: PromotionRun, now: Standing, requested: Event) -> list[str]:
    """Why an answer to this request no longer counts; empty while all is as it was judged."""
    present = compared_versions(run, now)
    gate_digest = gate.definition(run.config).digest
    changes = evidence.changed_facts(run.ledger.evidence_of(requested), present, gate_digest)
    if "candidate" in present and (damage := damage_of(run, present["candidate"])):
        changes.append(damage)
    return changes


def recorded_answer(run: PromotionRun) -> Answer | None:
    """The yes that the ledger has already: the flow died between `approved` and `promoted`."""
    approved = run.own("approved")
    if approved is None:
        return None
    return Answer("approve", approved.who, approved.why, approved.evidence_digest or "")


@redecide_when_outrun
def note_invalid(run: PromotionRun, earlier: int) -> Event | None:
    """Append `answer_invalid`: the run was resumed without an answer to its question.

    Once for each question; `earlier` is how many invalid answers there were when it was asked.
    """
    if run.count("answer_invalid") > earlier:
        return None
    why = "the flow run was resumed without its form, or for other evidence; asked again"
    return run.append("answer_invalid", run.standing(), Actor("nobody", "machine"), why)


@redecide_when_outrun
def end_unanswered(run: PromotionRun, event: Literal["withdrawn", "expired"], why: str) -> Event:
    """End a request that nobody can answer any more, unless it has ended by itself."""
    now = run.standing()
    return now.ending_of(run.flow_run) or run.append(event, now, RUNNER, why)


def is_overdue(requested: Event, config: ModelConfig) -> bool:
    return datetime.now(UTC).replace(tzinfo=None) > expiry_of(requested, config)


def expiry_of(requested: Event, config: ModelConfig) -> datetime:
    """The instant, in UTC, from which an answer to this request is too late."""
    return requested.time + timedelta(days=config.approval.expires_after_days)
