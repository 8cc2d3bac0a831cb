"""The way of a promotion through the ledger: requested, answered, promoted. Reads facts, decides, appends one event.

Each function may be called again by a retried or resumed flow run: what is in the ledger already is found by its key and not made twice.
Not here: how it begins (request.py), how a person is asked and the process let go (flows/promotion.py); what MLflow shows (projection.py).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from configs.model import ModelConfig
from tasks.release.ledger import Event
from tasks.release.promotion_run import (
    GATE,
    PromotionRun,
    compared_versions,
    damage_of,
    decided_anew,
)
from tasks.verdict import evidence


@dataclass(frozen=True)
class Answer:
    """A person's yes or no to one evidence digest."""

    decision: Literal["approve", "reject"]
    who: str
    why: str
    evidence: str


def take_answer(run: PromotionRun, requested: Event, answer: Answer) -> Event:
    """`promoted`, `rejected`, `stale` or `expired`: what the answer comes to, on facts read again now."""
    return decided_anew(lambda: _take_answer(run, requested, answer))


def _take_answer(run: PromotionRun, requested: Event, answer: Answer) -> Event:
    if ended := run.ended():
        return ended
    now = run.standing()
    if is_overdue(run, requested):
        return run.append(
            "expired",
            now,
            who=GATE,
            why=f"answered after {run.config.approval.expires_after_days} days",
        )
    if answer.decision == "reject":
        return run.append(
            "rejected", now, who=answer.who, why=answer.why, evidence=requested.evidence
        )
    if changes := changed_facts(run, requested):
        return run.append(
            "stale", now, who=GATE, why="; ".join(changes), evidence=requested.evidence
        )
    approved = run.append(
        "approved", now, who=answer.who, why=answer.why, evidence=requested.evidence
    )
    # the commit: whoever appended since these facts were read makes this one HeadMoved, and everything is decided anew
    return run.append(
        "promoted",
        now,
        who=answer.who,
        why=answer.why,
        evidence=requested.evidence,
        after=approved.sequence,
    )


def changed_facts(run: PromotionRun, requested: Event) -> list[str]:
    """Why the answer to this request no longer counts, in words; empty while everything is as it was judged."""
    found = compared_versions(run)
    changes = evidence.what_changed(
        run.ledger.evidence(requested.evidence or ""), found, run.config
    )
    damage = damage_of(run, found["candidate"])
    return [*changes, damage] if damage else changes


def recorded_answer(run: PromotionRun) -> Answer | None:
    """The yes that the ledger has of this promotion already: its flow died between `approved` and `promoted`."""
    approved = run.own("approved")
    return (
        Answer("approve", approved.who, approved.why, approved.evidence or "") if approved else None
    )


def note_invalid(run: PromotionRun, before: int) -> Event:
    """`answer_invalid`: the run was set going by something that is no answer to its question."""
    key = f"{run.flow_run}:answer_invalid:{before}"
    why = "the flow run was resumed without its form, or for other evidence; asked again"
    return decided_anew(
        lambda: run.append("answer_invalid", run.standing(), who="nobody", why=why, key=key)
    )


def end_unanswered(run: PromotionRun, event: Literal["withdrawn", "expired"], why: str) -> Event:
    """The run's request ended, on record, unless it ended by itself meanwhile: nobody can answer it any more."""
    return decided_anew(
        lambda: run.ended() or run.append(event, run.standing(), who="ratchet", why=why)
    )


def is_overdue(run: PromotionRun, pending: Event) -> bool:
    return datetime.now(UTC).replace(tzinfo=None) > expires(pending, run.config)


def expires(requested: Event, config: ModelConfig) -> datetime:
    return requested.time + timedelta(days=config.approval.expires_after_days)
